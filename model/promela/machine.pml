/* The decisions: lib/saga/machine. Each inline is one function there, or a few; all run in a d_step. */

inline SCHEDULE(i, phase) {                                      /* schedule.schedule */
  step[i].attempt++;
  step[i].first_attempt = (step[i].awaits == phase -> step[i].first_attempt : step[i].attempt);
  step[i].awaits = phase; step[i].epoch = 0;
  step[i].unbegun = (phase == EXECUTE && i == PIVOT); step[i].inline_run = 0;
  assert(step[i].attempt < ATTEMPTS)
}

inline END_STEP(i, to) {                                         /* Draft.move_step, awaits=None */
  step[i].status = to; step[i].awaits = NOTHING;
  step[i].first_attempt = 0; step[i].epoch = 0; step[i].unbegun = 0; step[i].inline_run = 0
}

inline REDELIVER(i) {                                            /* schedule.redeliver_step */
#ifndef BREAK_SWEEP_CERTAIN
  if
  :: step[i].awaits == EXECUTE && !step[i].unbegun -> step[i].maybe_applied = 1
  :: else
  fi;
#endif
#ifndef BREAK_SWEEP_SAME_NAME
  step[i].epoch++; assert(step[i].epoch < EPOCHS)
#endif
}

inline WRITE_LETTER() {                                          /* Draft._write_letter */
  if
  :: incident == 0 -> incidents++; incident = incidents; letter = incidents; alerted = 0
  :: else
  fi
}

inline PARK() { parked_in = status; status = FAILED; WRITE_LETTER() }

#define NEEDS_COMPENSATION(i) (COMPENSATABLE(i) && (step[i].status == DONE || \
  ((step[i].status == STEP_FAILED || step[i].status == CANCELLED) && step[i].maybe_applied)))

inline COMPENSATE_NEXT() {                                       /* backward.compensate_next */
  from_ = FIRST_OF_STAGE(N - 1); to_ = N - 1; found_ = 0; failed_ = 0;
  do
  :: i_ = from_;
     do
     :: i_ <= to_ ->
        if
        :: step[i_].awaits != NOTHING -> found_ = 1
        :: step[i_].awaits == NOTHING && NEEDS_COMPENSATION(i_) ->
           found_ = 1; SCHEDULE(i_, COMPENSATE)
        :: else
        fi;
        if :: step[i_].status == COMPENSATION_FAILED -> failed_ = 1 :: else fi;
        i_++
     :: else -> break
     od;
     if
     :: found_ -> current_step = from_; break
     :: !found_ && from_ == 0 -> break
     :: else -> to_ = from_ - 1; from_ = FIRST_OF_STAGE(to_)
     fi
  od;
  if
  :: found_
  :: !found_ && failed_ -> PARK()
  :: else -> status = ROLLED_BACK
  fi
}

inline SURVEY_STAGE() {     /* open_, failed_, maybe_: what the steps of the present stage are */
  open_ = 0; failed_ = 0; maybe_ = 0;
  from_ = FIRST_OF_STAGE(current_step); to_ = LAST_OF_STAGE(current_step); i_ = from_;
  do
  :: i_ <= to_ ->
     if :: step[i_].awaits != NOTHING -> open_ = 1 :: else fi;
     if
     :: step[i_].status == STEP_FAILED || step[i_].status == CANCELLED ->
        failed_ = 1; maybe_ = maybe_ || step[i_].maybe_applied
     :: else
     fi;
     i_++
  :: else -> break
  od
}

inline ENTER(first) {                                            /* stages.enter, begin_next */
  if
  :: first == N -> status = COMPLETED
  :: else ->
     current_step = first; i_ = first; to_ = LAST_OF_STAGE(first);
     do
     :: i_ <= to_ -> SCHEDULE(i_, EXECUTE); i_++
     :: else -> break
     od
  fi
}

#ifdef BREAK_PIVOT_ROLLED_BACK
#define NO_WAY_BACK (RETRIABLE(from_))
#else
#define NO_WAY_BACK (RETRIABLE(from_) || (from_ == PIVOT && maybe_))
#endif

inline ADVANCE() {                                               /* stages.advance */
  if
  :: status == RUNNING ->
     SURVEY_STAGE();
     if
     :: open_ ->
        if :: RETRIABLE(from_) && failed_ -> WRITE_LETTER() :: else fi
     :: !open_ && failed_ && NO_WAY_BACK -> PARK()
     :: !open_ && ((failed_ && !(NO_WAY_BACK)) || (!failed_ && stopping && COMPENSATABLE(from_))) ->
        status = ROLLING_BACK; stopping = 0; COMPENSATE_NEXT()
     :: else -> stopping = 0; to_++; ENTER(to_)
     fi
  :: else
  fi
}

inline CANCEL_STEP(i) {                                          /* stop._cancel_step */
  END_STEP(i, CANCELLED);
#ifndef BREAK_CANCELLED_CERTAIN
  step[i].maybe_applied = 1
#endif
}

/* A delivery that is far off: a retry, of which no worker knows. A worker's clock may be wrong. */
#ifdef SKEW
#define FAR_OFF(i) (step[i].awaits == EXECUTE && step[i].attempt > step[i].first_attempt)
#else
#define FAR_OFF(i) (step[i].awaits == EXECUTE && step[i].attempt > step[i].first_attempt && \
  task[NAME_OF(i)] == 1)
#endif

inline STOP() {                                                  /* stop.stop, up to its advance */
  stopping = 1; i_ = FIRST_OF_STAGE(current_step); to_ = LAST_OF_STAGE(current_step);
  do
  :: i_ <= to_ -> if :: FAR_OFF(i_) && i_ != PIVOT -> CANCEL_STEP(i_) :: else fi; i_++
  :: else -> break
  od
}

inline RECORD_EXECUTION(i, result) {                             /* forward.attempts */
  stop_ = 0; advance_ = 1;
  if
  :: result == SUCCESS -> END_STEP(i, DONE)
  :: result == STOP_OBSERVED -> CANCEL_STEP(i)
  :: else ->
#ifndef BREAK_UNKNOWN_CERTAIN
     if :: result == UNKNOWN -> step[i].maybe_applied = 1 :: else fi;
#endif
     if
     :: !(stopping && COMPENSATABLE(i)) && result != PERMANENT &&
        step[i].attempt - step[i].first_attempt + 1 < MAX_EXECUTIONS ->
        SCHEDULE(i, EXECUTE); advance_ = 0
     :: else ->
#ifndef BREAK_UNKNOWN_CERTAIN
        if :: result != PERMANENT -> step[i].maybe_applied = 1 :: else fi;
#endif
        END_STEP(i, STEP_FAILED); stop_ = COMPENSATABLE(i) && !stopping
     fi
  fi;
  if :: stop_ -> STOP() :: else fi;
  if :: advance_ -> ADVANCE() :: else fi
}

inline RECORD_COMPENSATION(i, result) {                          /* backward.record_compensation */
  advance_ = 1;
  if
  :: result == SUCCESS -> END_STEP(i, COMPENSATED)
  :: result != SUCCESS && step[i].attempt - step[i].first_attempt + 1 < MAX_COMPENSATIONS ->
     SCHEDULE(i, COMPENSATE); advance_ = 0
  :: else -> END_STEP(i, COMPENSATION_FAILED)
  fi;
  if
  :: advance_ && status == ROLLING_BACK ->                       /* backward.advance_rollback */
     SURVEY_STAGE(); i_ = 0; undo_failed_ = 0;
     do
     :: i_ < N -> if :: step[i_].status == COMPENSATION_FAILED -> undo_failed_ = 1 :: else fi; i_++
     :: else -> break
     od;
     if
     :: !open_ && undo_failed_ && HALT -> PARK()
     :: !open_ && !(undo_failed_ && HALT) -> COMPENSATE_NEXT()
     :: else
     fi;
     if :: undo_failed_ && status == ROLLING_BACK -> WRITE_LETTER() :: else fi
  :: else
  fi
}

/* Whether the machine would change anything. An attempt's late success counts too. */
#define CHANGES(i, attempt_, undoes_, result) ( undoes_ \
  -> (COURSE == ROLLING_BACK && step[i].awaits == COMPENSATE && \
      (result == SUCCESS || step[i].attempt == attempt_)) \
  : (COURSE == RUNNING && step[i].awaits == EXECUTE && \
      (result == SUCCESS || step[i].attempt == attempt_) && \
      (result != STOP_OBSERVED || (status == RUNNING && stopping && COMPENSATABLE(i)))) )

inline RECORD(i, undoes_, result) {
  if
  :: undoes_ -> RECORD_COMPENSATION(i, result)
  :: else -> RECORD_EXECUTION(i, result)
  fi
}

inline LIFT_PAUSE() {                                            /* control._lift_pause */
  paused = 0; j_ = 0;
  do
  :: j_ < N -> if :: step[j_].awaits != NOTHING -> REDELIVER(j_) :: else fi; j_++
  :: else -> break
  od
}

inline CANCEL() {                                                /* control.cancel */
  if :: paused -> LIFT_PAUSE() :: else fi;
  if :: !stopping -> STOP(); ADVANCE() :: else fi
}

inline RETRY() {                                                 /* repair.retry */
  letter = 0; incident = 0;
  if
  :: status == FAILED ->                                         /* repair._dismiss, unpark */
     status = parked_in; parked_in = NONE; j_ = 0;
     do
     :: j_ < N -> if :: step[j_].awaits != NOTHING -> REDELIVER(j_) :: else fi; j_++
     :: else -> break
     od
  :: else
  fi;
  j_ = 0;
  do
  :: j_ < N ->
     if
     :: status == ROLLING_BACK && step[j_].status == COMPENSATION_FAILED ->
        step[j_].status = STEP_FAILED; step[j_].maybe_applied = 1
     :: status == RUNNING && step[j_].status == STEP_FAILED &&
        !(stopping && COMPENSATABLE(current_step)) -> step[j_].status = PENDING
     :: else
     fi;
     j_++
  :: else -> break
  od;
  if
  :: status == ROLLING_BACK -> COMPENSATE_NEXT()
  :: status == RUNNING && stopping && COMPENSATABLE(current_step) -> STOP(); ADVANCE()
  :: else ->                                                     /* repair._resume_forward */
     i_ = FIRST_OF_STAGE(current_step); to_ = LAST_OF_STAGE(current_step);
     do
     :: i_ <= to_ ->
        if
        :: step[i_].status == PENDING && step[i_].awaits == NOTHING -> SCHEDULE(i_, EXECUTE)
        :: else
        fi;
        i_++
     :: else -> break
     od;
     ADVANCE()
  fi
}
