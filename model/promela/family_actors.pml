/* The sweep and its daily look, the operator, the queue's faults, and who looks at the end. */

#define IS_LOST(i) (IS_OUTSTANDING(i) && task[NAME_OF(i)] != 1 && task[NAME_OF(i)] != 2)
#define IS_NOTE_LOST (IS_NOTE_OUTSTANDING && task[NAME_OF_NOTE] != 1 && task[NAME_OF_NOTE] != 2)
inline SWEEP_STEP(i) {
  if :: IS_LOST(i) -> COMMITTED(SAGA_OF(i)); REDELIVER(i); TAKE_STEP(i) :: else fi
}

proctype Sweep() {
  byte next[NOTE + 1];
end_idle:
  if
  :: d_step {
       handing == 0 &&
       (IS_LOST(CHILD_STEP) || IS_LOST(LAST) || IS_LOST(WORK) || IS_NOTE_LOST) -> handing++;
       SWEEP_STEP(CHILD_STEP); SWEEP_STEP(LAST); SWEEP_STEP(WORK);
       if
       :: IS_NOTE_LOST -> COMMITTED(CHILD); note_epoch++; assert(note_epoch < EPOCHS); TAKE_CHILD()
       :: else
       fi
     }
  fi;
  if
  :: d_step { DIES; FORGET() }
  :: d_step { true; ENQUEUE() }
  fi;
  atomic { handing--; goto end_idle }
}

#define WAITS_FOR_SIGNAL(i) (i == WAIT && step[i].status == WAITING && !signal)
#ifdef BREAK_WAITS_IGNORED
#define WAITS(g) (step[2 * g].awaits != NOTHING || step[2 * g + 1].awaits != NOTHING)
#else
#define WAITS(g) (saga[g].paused || step[2 * g].awaits != NOTHING || \
  step[2 * g + 1].awaits != NOTHING || WAITS_FOR_SIGNAL(2 * g) || \
  (g == PARENT && step[CHILD_STEP].status == WAITING))
#endif

/* sweep/daily_look.py: it reads the saga, then its child, then its letter, and then decides. */
proctype Look() {
  bit g, called, waited; mtype end = NONE; bit unreported; byte next[NOTE + 1];
end_idle:
  if
  :: d_step { looks > 0 && !FINISHED(PARENT) -> looks--; g = PARENT }
  :: d_step { looks > 0 && !FINISHED(CHILD) -> looks--; g = CHILD }
  :: d_step { handing == 0 && IS_STRAY && !FINISHED(PARENT) -> g = PARENT }
  :: d_step { handing == 0 && IS_STRAY && FINISHED(PARENT) -> g = CHILD }
  fi;
  handing++;
  d_step {
    saga[g].as_seen = 1; called = saga[g].incident || saga[g].status == FAILED;
    waited = (g == PARENT && step[CHILD_STEP].status == WAITING)
  };
  d_step { true; if :: waited && notified && FINISHED(CHILD) -> end = saga[CHILD].status :: else fi };
  d_step { unreported = called && !saga[g].letter };
  d_step {
    if
#ifdef BREAK_LOOK_WITHOUT_VERSION
    :: unreported -> COMMITTED(g); saga[g].letter = 1; saga[g].incident = 1
    :: !unreported && end != NONE -> COMMITTED(g); RECORD_CHILD_END(end); TAKE_PARENT()
#else
    :: saga[g].as_seen && unreported -> COMMITTED(g); saga[g].letter = 1; saga[g].incident = 1
    :: saga[g].as_seen && !unreported && end != NONE ->
       COMMITTED(g); RECORD_CHILD_END(end); TAKE_PARENT()
#endif
    :: else -> assert(!(saga[g].as_seen && ACTIVE(g)) || WAITS(g))    /* NOTHING_AWAITED */
    fi;
    end = NONE; unreported = 0; called = 0; waited = 0; saga[g].as_seen = 0
  };
  d_step {
    true; ENQUEUE();
    if
    :: IS_STRAY && (g == PARENT || saga[CHILD].paused) -> FOLLOW(); TAKE_CHILD()
    :: else
    fi
  };
  if
  :: d_step { DIES; FORGET() }
  :: d_step { true; ENQUEUE() }
  fi;
  atomic { handing--; g = 0; goto end_idle }
}

#define CAN_CANCEL(g) (saga[g].status == RUNNING && !saga[g].stopping)
inline CANCEL(g) {
  COMMITTED(g); if :: saga[g].paused -> LIFT_PAUSE(g) :: else fi; STOP(g)
}
inline RETRY(g) {                                                /* repair.retry */
  COMMITTED(g); saga[g].letter = 0; saga[g].incident = 0; saga[g].status = saga[g].parked_in;
  saga[g].parked_in = NONE; j_ = 2 * g;
  do
  :: j_ < 2 * g + 2 ->
     if :: step[j_].awaits != NOTHING -> REDELIVER(j_) :: else fi;
     if
     :: saga[g].status == ROLLING_BACK && step[j_].status == COMPENSATION_FAILED ->
        step[j_].status = STEP_FAILED; step[j_].maybe_applied = 1
     :: else
     fi;
     if :: j_ == WAIT && WAITS_FOR_SIGNAL(j_) == 0 && step[j_].status == WAITING ->
           step[j_].status = DONE
     :: else
     fi;
     j_++
  :: else -> break
  od;
  if
  :: saga[g].status == ROLLING_BACK -> COMPENSATE_NEXT(g)
  :: saga[g].status == RUNNING && saga[g].stopping -> STOP(g)
  :: else -> ADVANCE(g)
  fi
}
inline RESOLVE(to) {                                             /* control.resolve, of the child */
  COMMITTED(CHILD); saga[CHILD].letter = 0; saga[CHILD].incident = 0; saga[CHILD].parked_in = NONE;
  by_hand = 1; j_ = WAIT;
  do
  :: j_ <= WORK ->
     if
     :: step[j_].status == PENDING || step[j_].status == WAITING ->
        step[j_].maybe_applied = (step[j_].awaits != NOTHING); END_STEP(j_, CANCELLED)
     :: else -> step[j_].awaits = NOTHING
     fi;
     j_++
  :: else -> break
  od;
  FINISH(CHILD, to)
}
/* Children.pass_on: a child that its parent waits for hears of it; a kill before that is possible. */
#define WAITS_FOR_CHILD (step[CHILD_STEP].status == WAITING)

proctype Operator() {
  byte next[NOTE + 1]; bit passes, renotifies;
end_idle:
  if
  :: d_step { cancels > 0 && CAN_CANCEL(PARENT) -> cancels--; handing++; CANCEL(PARENT); TAKE_PARENT(); passes = 1 }
  :: d_step { cancels > 0 && CAN_CANCEL(CHILD) -> cancels--; handing++; CANCEL(CHILD); TAKE_CHILD() }
  :: d_step {
       pauses > 0 && ACTIVE(PARENT) && !saga[PARENT].paused -> pauses--; handing++;
       COMMITTED(PARENT); saga[PARENT].paused = 1; pause_number++; passes = 1
     }
  :: d_step {
       saga[PARENT].paused && ACTIVE(PARENT) -> handing++;
       COMMITTED(PARENT); LIFT_PAUSE(PARENT); TAKE_PARENT(); passes = 1
     }
  :: d_step { parks > 0 && ACTIVE(PARENT) -> parks--; handing++; COMMITTED(PARENT); PARK(PARENT) }
  :: d_step { parks > 0 && ACTIVE(CHILD) -> parks--; handing++; COMMITTED(CHILD); PARK(CHILD) }
  :: d_step {
       retries > 0 && saga[PARENT].status == FAILED -> retries--; handing++;
       RETRY(PARENT); TAKE_PARENT(); passes = 1; renotifies = 1
     }
  :: d_step { retries > 0 && saga[CHILD].status == FAILED -> retries--; handing++; RETRY(CHILD); TAKE_CHILD() }
  :: d_step { resolves > 0 && saga[CHILD].status == FAILED -> resolves--; handing++; RESOLVE(COMPLETED); TAKE_CHILD() }
  :: d_step { resolves > 0 && saga[CHILD].status == FAILED -> resolves--; handing++; RESOLVE(ROLLED_BACK); TAKE_CHILD() }
  :: d_step {
       signals > 0 -> signals--; handing++;                      /* attempts.receive_signal */
       if
       :: COURSE(CHILD) == RUNNING && step[WAIT].status == WAITING ->
          COMMITTED(CHILD); signal = 1;
          if
          :: saga[CHILD].status == RUNNING -> END_STEP(WAIT, DONE); ADVANCE(CHILD); TAKE_CHILD()
          :: else
          fi
       :: else
       fi
     }
  fi;
  if
  :: atomic { DIES; goto killed }
  :: d_step { true; ENQUEUE() }
  fi;
  if
  :: passes ->
     if
     :: atomic { DIES; goto killed }
     :: d_step {
          true;
          if :: WAITS_FOR_CHILD && IS_STRAY -> FOLLOW() :: else fi;
          if
          :: renotifies && WAITS_FOR_CHILD && IS_NOTE_OUTSTANDING ->
             COMMITTED(CHILD); note_epoch++; assert(note_epoch < EPOCHS)
          :: else
          fi;
          TAKE_CHILD()
        }
     fi;
     if
     :: atomic { DIES; goto killed }
     :: d_step { true; ENQUEUE() }
     fi
  :: else
  fi;
killed:
  atomic {
    j_ = 0; d_step { FORGET(); passes = 0; renotifies = 0; handing-- }; goto end_idle
  }
}

proctype Environment() {                                         /* the queue loses a task */
  byte n, name;
end_idle:
  do
  :: atomic {
       faults > 0 && queued > 0 -> select(n : 1 .. queued); faults--;
       d_step {
         name = 0;
         do
         :: task[name] == 1 && n == 1 -> break
         :: task[name] == 1 && n > 1 -> n--; name++
         :: else -> name++
         od;
         n = 0; task[name] = 3; queued--; name = 0
       }
     }
  od
}

#define IS_UNDONE(i) (applied[i] == undone[i])
proctype Monitor() {
end_watch:
  timeout ->
  d_step {
    assert(FINISHED(CHILD) || (saga[CHILD].status == FAILED && saga[CHILD].letter));
    assert(FINISHED(PARENT) || (saga[PARENT].status == FAILED && saga[PARENT].letter) ||
           (ACTIVE(PARENT) && step[CHILD_STEP].status == WAITING && saga[CHILD].status == FAILED));
    assert(!FINISHED(CHILD) || notified);                        /* the parent knows its end */
    assert(!FINISHED(PARENT) || (!saga[PARENT].letter && !saga[PARENT].incident));
    assert(!FINISHED(CHILD) || (!saga[CHILD].letter && !saga[CHILD].incident));
    assert(saga[PARENT].status != COMPLETED || (applied[LAST] && !undone[LAST]));
    assert(saga[PARENT].status != ROLLED_BACK || IS_UNDONE(LAST));
    assert(by_hand || saga[PARENT].status != COMPLETED ||
           (saga[CHILD].status == COMPLETED && applied[WORK] && !undone[WORK]));
    assert(by_hand || saga[PARENT].status != ROLLED_BACK ||
           (saga[CHILD].status == ROLLED_BACK && IS_UNDONE(WORK)))
  }
}
