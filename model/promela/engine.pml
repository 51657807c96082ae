/* A worker: lib/saga/engine. One atomic step is one call of Datastore or of Cloud Tasks. */

/* A delivery that this process is still to enqueue for a step: 0, or 1 + twice its name + phase. */
#define FORGET() j_ = 0; \
  do :: j_ < N -> if :: next[j_] > 0 -> handing-- :: else fi; next[j_] = 0; j_++ :: else -> break od; \
  j_ = 0

/* What must be enqueued. An attempt that runs inline is left to its owner, but not if `all`. */
inline TAKE_OUTSTANDING(all) {  /* a name that is used already needs no second call */
  j_ = 0;
  do
  :: j_ < N ->
     if
     :: IS_OUTSTANDING(j_) && task[NAME_OF(j_)] == 0 &&
        (all || !step[j_].inline_run || step[j_].epoch > 0) ->
        next[j_] = 1 + 2 * NAME_OF(j_) + (step[j_].awaits == COMPENSATE); handing++
     :: else
     fi;
     j_++
  :: else -> break
  od;
  j_ = 0
}

inline ENQUEUE(i) {             /* CreateTask: the queue drops a name that it has seen */
  j_ = (next[i] - 1) / 2;
  if :: task[j_] == 0 -> task[j_] = 1; undoes[j_] = (next[i] - 1) % 2; queued++ :: else fi;
  handing--; next[i] = 0
}

inline COMMITTED() {            /* nobody else has the newest version any more */
  j_ = 0;
  do :: j_ <= WORKERS -> current[j_] = 0; j_++ :: else -> break od;
  j_ = 0
}

inline DISPATCH(n, state) {     /* the n-th task of a state */
  name = 0;
  do
  :: task[name] == state && n == 1 -> break
  :: task[name] == state && n > 1 -> n--; name++
  :: else -> name++
  od;
  i_ = 0
}

inline ANSWER(state) {          /* 3: answered; 1: it comes again */
  if
  :: task[name] == 2 && owner[name] == me + 1 ->
     owner[name] = 0; task[name] = state; in_flight--;
     if
     :: state == 3 -> lost[name] = 0; undoes[name] = 0
     :: else -> queued++
     fi
  :: else
  fi;
  FORGET(); name = 0; i = 0; attempt = 0; is_undo = 0; result = NONE; parked = 0;
  if :: owns -> handing-- :: else fi;
  owns = 0; refused = 0; go = 0; current[me] = 0; idle[me] = 1
}

inline LOG_ALERT(which) { alerts = alerts | (1 << which) }       /* alerts.log_parked */

inline NOTE_ALERT(which) {                                       /* SagaRepository.note_alert */
  if
#ifdef BREAK_NOTE_ON_ANY_LETTER
  :: letter > 0 -> alerted = 1
#elif !defined(BREAK_NEVER_NOTED)
  :: letter == which -> alerted = 1
#endif
  :: else
  fi
}

#ifdef BREAK_NO_VERSION       /* the records that a worker has seen, and then writes over all others */
#define COPY(to, from) to.status = from.status; to.awaits = from.awaits; to.attempt = from.attempt; \
  to.first_attempt = from.first_attempt; to.epoch = from.epoch; to.unbegun = from.unbegun; \
  to.maybe_applied = from.maybe_applied
inline SEE() {
  seen_status = status; seen_current = current_step; seen_stopping = stopping; j_ = 0;
  do :: j_ < N -> COPY(seen[j_], step[j_]); j_++ :: else -> break od;
  j_ = 0
}
inline RESTORE() {
  status = seen_status; current_step = seen_current; stopping = seen_stopping; j_ = 0;
  do :: j_ < N -> COPY(step[j_], seen[j_]); j_++ :: else -> break od;
  j_ = 0
}
#endif

#define DIES faults > 0 -> faults--

/* A task of an attempt that runs inline comes after a dispatch: that of its owner. */
#ifdef BREAK_INLINE_CERTAIN
#define WAS_LOST lost[name]
#else
#define WAS_LOST (lost[name] || step[i].inline_run)
#endif
#ifdef BREAK_STALE_LEAVES_INLINE
#define STALE_TAKES_ALL false
#else
#define STALE_TAKES_ALL true
#endif

#define STALE 1
#define KNOWN 2
#define CALL 3

/* An outcome that was recorded before, maybe by this process: the commit's answer was lost. */
#ifdef BREAK_LOST_ANSWER_LEAVES_INLINE
#define RECORDED_TAKES_ALL false
#else
#define RECORDED_TAKES_ALL true
#endif

/* Commits what an attempt came to. If it `goes_on`, the same commit says so: the next attempt has no
 * task, this process owns it, and its record in hand is the newest. Not `is_answered`: it is made,
 * and this process does not know. */
inline COMMIT(goes_on, is_answered) {
  if :: owns -> owns = 0; handing-- :: else fi;
  go = 0;
  if
  :: CHANGES(i, attempt, is_undo, result) ->
     n = incidents; COMMITTED(); RECORD(i, is_undo, result);
     if :: is_answered && incidents > n -> parked = incidents :: else fi;
     found_ = 0; n = 0; j_ = 0;
     do
     :: j_ < N -> if :: IS_OUTSTANDING(j_) -> found_++; n = j_ :: else fi; j_++
     :: else -> break
     od;
     found_ = goes_on && found_ == 1 && (GROUP == 1 || !IN_GROUP(n)) && step[n].epoch == 0 &&
              step[n].attempt == step[n].first_attempt;
     if :: found_ -> step[n].inline_run = 1 :: else fi;
     if
     :: is_answered && found_ ->
        owns = 1; handing++; current[me] = 1; go = CALL; result = NONE;
        i = n; attempt = step[n].attempt; is_undo = (step[n].awaits == COMPENSATE)
     :: is_answered && !found_ -> result = NONE; TAKE_OUTSTANDING(false)
     :: else -> refused = 1
     fi;
     n = 0
  :: else -> current[me] = 0; result = NONE; TAKE_OUTSTANDING(RECORDED_TAKES_ALL)
  fi
}

/* `owns`: it runs an attempt that has no task. `refused`: another commit came before its own. */
proctype Worker(byte me; bit starts) {
  byte n, name, i, attempt, parked, go; bit is_undo, owns, refused; mtype result = NONE; byte next[N];
#ifdef BREAK_NO_VERSION
  Step seen[N]; mtype seen_status = NONE; byte seen_current; bit seen_stopping;
#endif
  if
  :: starts -> owns = 1; attempt = 1; goto call                  /* a caller's own run: no task */
  :: else
  fi;
end_idle:
  atomic {
    /* A dispatch, by the first idle worker. Or a task in flight is delivered a second time. */
    (me == 0 || !idle[0]) && (queued > 0 || (DUPLICATES && faults > 0 && in_flight > 0));
    if
    :: queued > 0 -> select(n : 1 .. queued); in_flight++;
       d_step { DISPATCH(n, 1); task[name] = 2; queued--; owner[name] = me + 1 }
    :: DUPLICATES && faults > 0 && in_flight > 0 -> select(n : 1 .. in_flight); faults--;
       d_step { DISPATCH(n, 2) }
    fi;
    n = 0;
    d_step {                                                     /* Engine.deliver */
      idle[me] = 0; current[me] = 1;                             /* the lookup */
      i = name / (ATTEMPTS * EPOCHS); attempt = (name / EPOCHS) % ATTEMPTS; is_undo = undoes[name];
#ifdef BREAK_NO_VERSION
      SEE();
#endif
      if
      :: !(IS_OUTSTANDING(i) && step[i].attempt == attempt &&    /* is_awaited */
           step[i].awaits == (is_undo -> COMPENSATE : EXECUTE)) ->
         current[me] = 0; TAKE_OUTSTANDING(STALE_TAKES_ALL); go = STALE
#ifndef BREAK_LOST_IS_RUN_AGAIN
#ifdef BREAK_REDELIVERED_PIVOT
      :: WAS_LOST && i != PIVOT -> result = UNKNOWN; go = KNOWN
#else
      :: WAS_LOST && !step[i].unbegun -> result = UNKNOWN; go = KNOWN     /* known_input */
#endif
#endif
      :: !is_undo && status == RUNNING && stopping && COMPENSATABLE(i) ->
         result = STOP_OBSERVED; go = KNOWN
      :: else -> go = CALL
      fi
    };
    if
    :: go == STALE -> goto hand_over
    :: go == KNOWN -> goto commit
    :: else
    fi
  }
call:
  if
  :: i == PIVOT && !is_undo ->
begin:                                                           /* Transitions.record_begin */
     if
     :: atomic { DIES; goto crashed }
     :: atomic { !current[me] -> current[me] = 1; goto begin }
     :: d_step {
          current[me] ->
          if
          :: status == RUNNING && !paused && step[i].awaits == EXECUTE &&
             step[i].attempt == attempt ->
             COMMITTED(); current[me] = 1;
#ifndef BREAK_REDELIVERED_PIVOT
             if :: !step[i].unbegun -> step[i].maybe_applied = 1 :: else fi;
#endif
             step[i].unbegun = 0
          :: else -> current[me] = 0; TAKE_OUTSTANDING(false); go = STALE
          fi
        }
     fi;
     if
     :: go == STALE -> goto hand_over
     :: atomic { go != STALE && faults > 0 -> faults--; goto not_begun }   /* no answer came */
     :: go != STALE
     fi
  :: else
  fi;
  atomic {                                                       /* execution.execute */
    if
    :: is_undo -> d_step { UNDO(i) }; if :: result = SUCCESS :: result = UNKNOWN fi
    :: is_undo -> result = UNKNOWN
    :: !is_undo && MAY_APPLY(i, attempt) -> d_step { APPLY(i) };
       if :: result = SUCCESS :: result = UNKNOWN fi
    :: !is_undo && !BARE && effect[i] == APPLIED -> result = SUCCESS
    :: !is_undo && (BARE || effect[i] != APPLIED) -> result = PERMANENT   /* refused, or undone */
    :: !is_undo -> if :: result = RETRYABLE :: result = UNKNOWN fi
    :: !is_undo && threads > 0 && thread[i] == 0 -> threads--; thread[i] = attempt; result = UNKNOWN
    fi
  };
  if
  :: !is_undo && !BARE && result == PERMANENT ->     /* apply_once: a second transaction keeps the refusal */
     if
     :: atomic { DIES; goto crashed }
     :: d_step {
          true;
          if
#ifndef BREAK_REFUSAL_NOT_KEPT
          :: MAY_APPLY(i, attempt) -> REFUSE(i, attempt)
#endif
          :: effect[i] == APPLIED -> result = SUCCESS
          :: else
          fi
        }
     fi
  :: else
  fi;
commit:                                                          /* Transitions.make */
#ifdef BREAK_ENQUEUE_BEFORE_COMMIT
  true;
  d_step {
    if
    :: result == SUCCESS && !is_undo && current[me] && i + 1 < N && GROUP == 1 && !stopping ->
       next[i + 1] = 1 + 2 * TASK(i + 1, step[i + 1].attempt + 1, 0); handing++; ENQUEUE(i + 1)
    :: else
    fi
  };
#endif
  if
  :: atomic { DIES; goto crashed }
#ifdef BREAK_INLINE_AFTER_REFUSAL
  :: d_step {
       !current[me] && !refused && result == SUCCESS && !is_undo && i + 1 < N ->
       if :: owns -> owns = 0; handing-- :: else fi;
       refused = 1; i++; attempt = step[i].attempt + 1; result = NONE; go = CALL
     }
#endif
#ifndef BREAK_NO_VERSION
  :: atomic { !current[me] -> current[me] = 1; refused = 1; goto commit }
#endif
#ifdef BREAK_NO_VERSION
  :: d_step { true -> RESTORE(); COMMIT(false, true) }
#else
  :: d_step { current[me] -> COMMIT(false, true) }
#endif
  :: atomic {
       current[me] && faults > 0 && CHANGES(i, attempt, is_undo, result) -> faults--;
       d_step { true; COMMIT(false, false) }; goto commit
     }
#if INLINE
  :: d_step { current[me] && !refused -> COMMIT(true, true) }
  :: atomic {
       current[me] && !refused && faults > 0 &&
       CHANGES(i, attempt, is_undo, result) -> faults--;
       d_step { true; COMMIT(true, false) }; goto commit
     }
#endif
  fi;
  if
  :: parked > 0 ->                                               /* Transitions.announce */
     if
     :: atomic { DIES; goto crashed }
     :: d_step { true; LOG_ALERT(parked) }
     fi;
     if
     :: atomic { DIES; goto crashed }
     :: d_step { true; NOTE_ALERT(parked); parked = 0 }
     fi
  :: else
  fi;
#if INLINE
  if :: go == CALL -> goto call :: else fi;
#endif
hand_over:                                                       /* Transitions.ensure_enqueued */
#ifdef BREAK_STALE_ENQUEUES_NOTHING
  if :: go == STALE -> goto answer :: else fi;
#endif
  do
  :: n < N && next[n] == 0 -> n++
  :: n < N && next[n] > 0 ->
     if
     :: atomic { DIES; goto crashed }
     :: d_step { true; ENQUEUE(n); n++ }
     fi
  :: n == N -> break
  od;
answer:
  atomic { n = 0; d_step { ANSWER(3) }; goto end_idle }
not_begun:                                                       /* NotBegun: it does not count as lost */
  atomic { n = 0; d_step { ANSWER(1) }; goto end_idle }
crashed:
  atomic {
    n = 0;
    d_step {
      if :: task[name] == 2 && owner[name] == me + 1 -> lost[name] = 1 :: else fi;
      ANSWER(1)
    };
    goto end_idle
  }
}
