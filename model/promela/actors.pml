/* All others: the sweep, an operator, the queue's faults; and who looks at the end. */

/* The queue has lost the task of a step, and no process is about to enqueue it. */
#define IS_LOST(i) (IS_OUTSTANDING(i) && task[NAME_OF(i)] != 1 && task[NAME_OF(i)] != 2)

inline FIND_OVERDUE(all) {
  i_ = 0;
  do
  :: i_ < N -> overdue[i_] = IS_OUTSTANDING(i_) && (all || IS_LOST(i_)); i_++
  :: else -> break
  od;
  current[WORKERS] = 1
}

#if N == 1
#define ANY_LOST IS_LOST(0)
#elif N == 2
#define ANY_LOST (IS_LOST(0) || IS_LOST(1))
#else
#define ANY_LOST (IS_LOST(0) || IS_LOST(1) || IS_LOST(2))
#endif

/* sweep._redeliver and Engine.redeliver; sweep._announce. `premature`: nothing is lost, only late. */
proctype Sweep() {
  byte n, letter_; bit premature, overdue[N]; byte next[N];
end_idle:
  if
#ifndef NO_SWEEP
  :: d_step { handing == 0 && ANY_LOST -> FIND_OVERDUE(false) }
  :: d_step {
       early > 0 && ACTIVE && !paused && queued + in_flight + handing > 0 ->
       early--; premature = 1; FIND_OVERDUE(true)
     }
#endif
  :: d_step { letter > 0 && !alerted -> letter_ = letter }
  fi;
  if
  :: letter_ > 0 ->
     d_step { LOG_ALERT(letter_) };
     if
     :: d_step { DIES }
     :: d_step { true; NOTE_ALERT(letter_) }
     fi
  :: else ->
     d_step {
       if
       :: current[WORKERS] && ACTIVE && !paused ->               /* schedule.redeliver_if_due */
          COMMITTED(); i_ = 0;
          do
          :: i_ < N -> if :: overdue[i_] -> REDELIVER(i_) :: else fi; i_++
          :: else -> break
          od;
          TAKE_OUTSTANDING(false); assert(handing > 0 || premature)   /* it hands something over */
       :: else
       fi;
       current[WORKERS] = 0; premature = 0; i_ = 0;
       do :: i_ < N -> overdue[i_] = 0; i_++ :: else -> break od;
       i_ = 0
     };
     do
     :: n < N && next[n] == 0 -> n++
     :: n < N && next[n] > 0 ->
        if
        :: d_step { DIES; n = N }
        :: d_step { true; ENQUEUE(n); n++ }
        fi
     :: n == N -> break
     od
  fi;
  atomic { n = 0; letter_ = 0; d_step { FORGET() }; goto end_idle }
}

#define CAN_CANCEL (status == RUNNING && !stopping && (COMPENSATABLE(current_step) || \
  (current_step == PIVOT && !step[PIVOT].maybe_applied)))

/* Requests by Engine.apply. If it dies, or the queue is away, the sweep enqueues what follows. */
proctype Operator() {
  byte n; byte next[N];
end_idle:
  if
  :: d_step { cancels > 0 && CAN_CANCEL -> cancels--; COMMITTED(); CANCEL(); TAKE_OUTSTANDING(false) }
  :: d_step {
       retries > 0 && letter > 0 -> retries--; COMMITTED(); RETRY(); TAKE_OUTSTANDING(false)
     }
  :: d_step { parks > 0 && ACTIVE -> parks--; COMMITTED(); PARK() }
  :: d_step { pauses > 0 && ACTIVE && !paused -> pauses--; COMMITTED(); paused = 1 }
  :: d_step { paused && ACTIVE -> COMMITTED(); LIFT_PAUSE(); TAKE_OUTSTANDING(false) }
  fi;
  do
  :: n < N && next[n] == 0 -> n++
  :: n < N && next[n] > 0 ->
     if
     :: d_step { DIES; n = N }
     :: d_step { true; ENQUEUE(n); n++ }
     fi
  :: n == N -> break
  od;
  atomic { n = 0; d_step { FORGET() }; goto end_idle }
}

/* The queue gives a dispatch up at its deadline and dispatches again; it loses a task. */
proctype Environment() {
  byte n, name;
end_idle:
  do
  :: atomic {
       DUPLICATES && faults > 0 && in_flight > 0 -> select(n : 1 .. in_flight); faults--;
       d_step {
         DISPATCH(n, 2); task[name] = 1; lost[name] = 1; owner[name] = 0; in_flight--; queued++;
         name = 0
       }
     }
#ifndef NO_SWEEP
  :: atomic {
       LOSSES && faults > 0 && queued > 0 -> select(n : 1 .. queued); faults--;
       d_step { DISPATCH(n, 1); task[name] = 3; lost[name] = 0; undoes[name] = 0; queued--; name = 0 }
     }
#endif
  od
}

/* When nothing can happen any more, every promise has been kept. */
proctype Monitor() {
end_watch:
  timeout ->
  d_step {
    assert(status == COMPLETED || status == ROLLED_BACK || status == FAILED);   /* not stuck */
    i_ = 0;
    do
    :: i_ < N ->
       assert(step[i_].awaits == NOTHING || status == FAILED);
       if
       :: status == COMPLETED -> assert(applied[i_] && !undone[i_])
       :: status == ROLLED_BACK ->
          assert(!COMPENSATABLE(i_) || applied[i_] == undone[i_]); assert(i_ != PIVOT || !applied[i_])
       :: else
       fi;
       i_++
    :: else -> break
    od;
    assert(status != FAILED || (letter > 0 && alerted));                        /* not silent */
    assert(status != FAILED || (alerts & (1 << incident)))      /* by the alert of this incident */
  }
}
