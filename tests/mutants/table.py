"""One-line mutants of engine and machine. The quick tests must detect each.

A mutant names its line word for word, once in its file: where that changes, so does the mutant.
"""

from tests.mutants.trial import Mutant

ENGINE = "lib/saga/engine/engine.py"
RECORDER = "lib/saga/engine/recorder.py"
TRANSITIONS = "lib/saga/engine/transitions.py"
INVOCATION = "lib/saga/engine/invocation.py"
INLINE = "lib/saga/machine/inline.py"
OUTSTANDING = "lib/saga/machine/outstanding.py"
FAMILY = "lib/saga/engine/children.py"
CALL = "lib/saga/engine/execution/call.py"
KNOWN_INPUTS = "lib/saga/engine/execution/known_inputs.py"
BACKWARD = "lib/saga/machine/backward.py"
STAGES = "lib/saga/machine/forward/stages.py"
STOP = "lib/saga/machine/forward/stop.py"
ATTEMPTS = "lib/saga/machine/forward/attempts.py"
CHILDREN = "lib/saga/machine/children.py"
SCHEDULING = "lib/saga/machine/schedule.py"
OUTSTANDING = "lib/saga/machine/outstanding.py"
REPAIRS = "lib/saga/machine/operator/repair.py"
REQUESTS = "lib/saga/machine/operator/idempotency.py"
START = "lib/saga/machine/start/plan.py"
NEXT_STEPS = "lib/saga/machine/start/next_steps.py"
DECIDE = "lib/saga/machine/decide.py"
INPUT_CHECKS = "lib/saga/machine/input_checks.py"
CAUSES = "lib/saga/machine/causes.py"
VERBS = "lib/saga/machine/operator/control.py"
DRAFT = "lib/saga/machine/decision/draft.py"
PURGE = "lib/saga/engine/sweep/purge.py"
LOOK = "lib/saga/engine/sweep/daily_look.py"
SWEEP = "lib/saga/engine/sweep/sweep.py"
WORKLIST = "lib/saga/engine/sweep/worklist.py"

MUTANTS = (
    # Rollback.
    Mutant(
        CHILDREN,
        "Cause.CHILD_ROLLED_BACK)\n    else:",
        "Cause.CHILD_ROLLED_BACK)\n    elif False:",
    ),
    Mutant(
        BACKWARD,
        "    elif ended.result is Result.DONE:\n",
        "    elif ended.result is Result.DONE and step.attempt == ended.attempt:\n",
    ),
    Mutant(BACKWARD, "reversed(definition.stages)", "definition.stages"),
    Mutant(
        BACKWARD,
        "(not_done and step.maybe_applied)",
        "(not_done and False)",
    ),
    Mutant(BACKWARD, "    return applied and element.can_be_undone", "    return applied"),
    Mutant(BACKWARD, "        if failed and halts:", "        if False:"),
    Mutant(BACKWARD, "        if open_ or needing:", "        if needing:"),
    Mutant(BACKWARD, "    if schedule_retry(definition, draft, ended, policy):", "    if False:"),
    # Going forward.
    Mutant(
        ATTEMPTS,
        "    elif (step.attempt, step.awaits) == (ended.attempt, ended.phase):",
        "    elif True:",
    ),
    Mutant(
        ATTEMPTS,
        "    if step.status is not StepStatus.WAITING or step.attempt != fired.attempt:",
        "    if step.status is not StepStatus.WAITING:",
    ),
    Mutant(
        ATTEMPTS,
        "    elif step.waits_until is None or draft.now < step.waits_until:",
        "    elif step.waits_until is None:",
    ),
    Mutant(
        ATTEMPTS,
        "    if step.status is StepStatus.WAITING and draft.saga.status in FORWARD:",
        "    if step.status is StepStatus.WAITING:",
    ),
    Mutant(
        REPAIRS,
        "        if step.status is StepStatus.WAITING and step.signal is not None:",
        "        if False:",
    ),
    Mutant(STOP, "has_way_back and (late or bool(saga.stopping))", "(late or bool(saga.stopping))"),
    Mutant(
        STAGES,
        "(kind is StepKind.PIVOT and not certain)",
        "kind is StepKind.PIVOT",
    ),
    Mutant(
        STAGES,
        "    if failed and (kind is StepKind.RETRIABLE or",
        "    if failed and (False or",
    ),
    Mutant(
        ATTEMPTS,
        "    if ended.result is not Result.PERMANENT or queried:",
        "    if False:",
    ),
    Mutant(ATTEMPTS, "        draft.change_step(index, maybe_applied=False)\n", ""),
    Mutant(
        ATTEMPTS,
        "and not queried and can_be_queried(element):",
        "and False:",
    ),
    Mutant(STOP, "far_off and not element.pivot", "far_off"),
    Mutant(
        STOP,
        "        return not (isinstance(element, Child) and element.pivot)",
        "        return True",
    ),
    Mutant(STAGES, "        draft.saga.result = draft.steps[-1].output", "        pass"),
    Mutant(
        CHILDREN,
        "    waiting = step.status is StepStatus.WAITING and step.child == ended.child",
        "    waiting = step.status is StepStatus.WAITING and ended.child",
    ),
    # Scheduling.
    Mutant(SCHEDULING, "    attempt = step.attempt + 1", "    attempt = step.attempt or 1"),
    Mutant(SCHEDULING, "ended.result in FINAL or step.tries >=", "step.tries >="),
    Mutant(SCHEDULING, "step.tries >= policy.attempts", "step.tries > policy.attempts"),
    Mutant(
        SCHEDULING,
        "        epoch=step.epoch + 1,",
        "        epoch=step.epoch,",
    ),
    Mutant(
        SCHEDULING,
        "    if ended.result in MAYBE_APPLIED and ended.phase is Phase.EXECUTE:",
        "    if False:",
    ),
    Mutant(OUTSTANDING, "not in ACTIVE or saga.paused:", "not in ACTIVE:"),
    Mutant(OUTSTANDING, "saga.parent_id and not saga.parent_notified:", "False:"),
    Mutant(
        OUTSTANDING,
        "    return (delivery.phase, delivery.step, delivery.attempt) in wanted",
        "    return delivery.step in [each[1] for each in wanted]",
    ),
    Mutant(
        DRAFT,
        "        self.dismiss()\n        if status in FINISHED:",
        "        if status in FINISHED:",
    ),
    # Impossible inputs.
    Mutant(NEXT_STEPS, "        draft.note(Cause.STEP_STARTED, step=due.step)\n", ""),
    Mutant(NEXT_STEPS, "if has_room or _has_waited(draft, index)]", "if has_room]"),
    Mutant(DECIDE, "    if ended.attempt > draft.steps[ended.step].attempt:", "    if False:"),
    Mutant(INPUT_CHECKS, "    if not 0 <= given.step < len(", "    if not given.step < len("),
    Mutant(INPUT_CHECKS, 'return "" if given.status in FINISHED else', 'return "" if True else'),
    Mutant(DRAFT, "        if not self._events and self._no_change is None:", "        if False:"),
    Mutant(CAUSES, "    return _STOPPING_BEFORE.get(stopping, stopping)", "    return stopping"),
    # Operators.
    Mutant(
        REPAIRS,
        "        if step.awaits:\n            redeliver_step(draft, step.index, cause)",
        "        if step.awaits:\n            pass",
    ),
    Mutant(
        VERBS,
        "False, draft.saga.sequence\n    for step in list(draft.steps):",
        "False, draft.saga.sequence\n    for step in []:",
    ),
    Mutant(VERBS, "    return kind is StepKind.COMPENSATABLE or not", "    return True or not"),
    Mutant(
        REQUESTS,
        "    if request.id and any(_is_of_id(each, mark) for each in done):",
        "    if False:",
    ),
    Mutant(
        REQUESTS,
        "    if request.incident not in (None, saga.incident):",
        "    if False:",
    ),
    # The shell.
    Mutant(PURGE, "        if ancestry.is_unfinished(saga):", "        if False:"),
    Mutant(
        PURGE,
        "        engine.repository.purge(saga, [key(Effect, each) for each in keys])",
        "        engine.repository.purge(saga, [])",
    ),
    Mutant(PURGE, "        return saga.parent_id\n", '        return ""\n'),
    Mutant(
        RECORDER,
        "    NotFound,\n    Unavailable,\n    DeadlineExceeded,\n)\n\n\n",
        "    NotFound,\n    DeadlineExceeded,\n)\n\n\n",
    ),
    Mutant(
        RECORDER,
        "    VersionMismatch,\n    Contention,\n    AlreadyExists,\n    NotFound,\n    Un",
        "    Contention,\n    AlreadyExists,\n    NotFound,\n    Un",
    ),
    Mutant(RECORDER, "        return definition if same else None", "        return definition"),
    Mutant(
        ENGINE,
        'ensure_all_enqueued(loaded)\n                return "stale"\n            loaded',
        'ensure_all_enqueued\n                return "stale"\n            loaded',
    ),
    Mutant(
        FAMILY,
        "            if parent is not None and not has_ended:\n",
        "            if False:\n",
    ),
    Mutant(
        TRANSITIONS,
        "died before its enqueue.\n            self.ensure_enqueued(loaded, enqueue)",
        "died before its enqueue.\n            pass",
    ),
    Mutant(
        ENGINE,
        "        self.transitions.enqueue_or_leave(decision.deliveries)\n",
        "",
    ),
    Mutant(
        FAMILY,
        "        elif after.pause_number:\n",
        "        elif False:\n",
    ),
    Mutant(KNOWN_INPUTS, "    if lost and isinstance(element, Step)", "    if False"),
    Mutant(CALL, "        fencing_token=delivery.attempt,", "        fencing_token=1,"),
    Mutant(TRANSITIONS, "        if alerts.log_parked(letter):", "        if True:"),
    # Inline chaining.
    Mutant(ENGINE, ".run(loaded, delivery, lost + inline)", ".run(loaded, delivery, lost)"),
    Mutant(ENGINE, "min(INLINE_ROOM, left - OVERHEAD)", "INLINE_ROOM"),
    Mutant(
        ENGINE,
        "        except Exception as problem:  # the saga is stored, so the sweep",
        "        except AttributeError as problem:  # the saga is stored, so the sweep",
    ),
    Mutant(
        INVOCATION,
        "decision if OVERRUNS.is_full else keep_inline",
        "decision if False else keep_inline",
    ),
    Mutant(INVOCATION, "        if not decision.events:\n", "        if False:\n"),
    Mutant(TRANSITIONS, "            keep = keep_nothing\n", ""),
    Mutant(
        TRANSITIONS,
        "self._enqueue_with_children(loaded, outstanding(*loaded), self.enqueue)",
        "self._enqueue_with_children(loaded, to_enqueue(*loaded), self.enqueue)",
    ),
    Mutant(OUTSTANDING, "delivery.epoch or not steps[delivery.step].inline", "True"),
    Mutant(
        OUTSTANDING,
        "delivery.epoch or not steps[delivery.step].inline",
        "not steps[delivery.step].inline",
    ),
    Mutant(OUTSTANDING, "room=INLINE_ROOM if saga.inline else NO_ROOM", "room=NO_ROOM"),
    Mutant(
        INLINE,
        "    if not decision.events or len(decision.deliveries) != 1:",
        "    if len(decision.deliveries) != 1:",
    ),
    Mutant(INLINE, "    if onward.at + onward.timeout > until:", "    if False:"),
    Mutant(INLINE, "    if not saga.inline or onward", "    if onward"),
    Mutant(INLINE, " or onward.phase not in _PHASES:", ":"),
    Mutant(INLINE, " and not element.own_task", ""),
    Mutant(INLINE, "return alone and runs", "return runs"),
    Mutant(INLINE, " and begins_now and step.tries == 1", " and begins_now"),
    Mutant(INLINE, " and begins_now", ""),
    Mutant(
        INLINE,
        "return replace(step, inline=True) if step.index == onward.step else step",
        "return step",
    ),
    Mutant(SCHEDULING, "        inline=False,\n", ""),
    # Children and their parents.
    Mutant(
        FAMILY,
        "            if child is None or not has_ended:\n                return",
        "            if child is None:\n                return",
    ),
    Mutant(
        FAMILY,
        "            if not self._can_accept(parent, delivery.step):",
        "            if False:",
    ),
    Mutant(
        FAMILY,
        "            if reverted.status is SagaStatus.ROLLED_BACK:",
        "            if True:",
    ),
    Mutant(FAMILY, "            elif reverted.pause_number:", "            elif False:"),
    Mutant(
        FAMILY, "if problem.status < 500 else Result.RETRYABLE", "if True else Result.RETRYABLE"
    ),
    Mutant(FAMILY, "            if child.pause_number:\n", "            if False:\n"),
    Mutant(FAMILY, "            except (Conflict, NotFound):\n", "            except NotFound:\n"),
    Mutant(FAMILY, "        if failed is not None:\n", "        if False:\n"),
    Mutant(
        FAMILY,
        "    return can_follow and child.parent_pause != parent.pause_number",
        "    return can_follow",
    ),
    Mutant(
        FAMILY,
        "    if before.status is SagaStatus.FAILED and after.status in ACTIVE:",
        "    if False:",
    ),
    # Recording, and taking a saga from one state to the next.
    Mutant(RECORDER, "        if form.parks:\n", "        if False:\n"),
    Mutant(
        RECORDER,
        "        except (Invalid, TooLarge) as problem:",
        "        except Invalid as problem:",
    ),
    Mutant(
        RECORDER,
        "            if decision.events or ended_child is not None:",
        "            if decision.events:",
    ),
    Mutant(
        TRANSITIONS,
        "            if not decision.events:\n                self.ensure_enqueued(loaded)\n",
        "            if not decision.events:\n",
    ),
    Mutant(
        TRANSITIONS,
        "            except (VersionMismatch, Contention):\n",
        "            except Contention:\n",
    ),
    # The sweep.
    Mutant(LOOK, "loaded is None or loaded.saga.due != saga.due:", "loaded is None:"),
    Mutant(LOOK, "if child and child.parent_notified)", "if child)"),
    Mutant(
        SWEEP,
        "            except (NotFound, VersionMismatch):",
        "            except VersionMismatch:",
    ),
    Mutant(SWEEP, "        if redelivered.is_complete:", "        if True:"),
    Mutant(
        WORKLIST,
        "            if self.is_exhausted or not self._may_go_on():",
        "            if self.is_exhausted:",
    ),
    Mutant(DECIDE, "    if looked.sequence != draft.saga.sequence:", "    if False:"),
    # A paused child that looks at its parent.
    Mutant(LOOK, " or engine.children.follow_parent(loaded)\n", "\n"),
    Mutant(FAMILY, "if parent is None or not _is_out_of_step(parent, saga):", "if parent is None:"),
    Mutant(FAMILY, "        self._apply_to_each([saga.id], _follow_request(parent))\n", ""),
    # Operators, once more.
    Mutant(VERBS, "    if _is_outdated(draft, request) or (draft", "    if (draft"),
    Mutant(VERBS, "    if _is_outdated(draft, request) or not (is_paused", "    if not (is_paused"),
    Mutant(VERBS, "saga.paused and saga.status not in FINISHED", "saga.paused"),
    Mutant(VERBS, "        if saga.parked_in in FORWARD:\n", "        if False:\n"),
    Mutant(VERBS, "    if definition.has_pivot:\n", "    if False:\n"),
    Mutant(VERBS, "maybe_applied=step.maybe_applied or ran,", "maybe_applied=step.maybe_applied,"),
    Mutant(
        REPAIRS,
        "    if forward and definition.kind_of(step.index) is StepKind.RETRIABLE:",
        "    if False:",
    ),
    Mutant(
        REPAIRS,
        "    if unended and step.child and step.status is StepStatus.WAITING:",
        "    if False:",
    ),
    Mutant(REPAIRS, "    if _failed(draft):\n", "    if False:\n"),
)
