/* The decisions on a parent and its child: lib/saga/machine. */

inline COMMITTED(g) { saga[g].as_seen = 0 }
inline SCHEDULE(i, phase) {
  step[i].attempt++; step[i].epoch = 0; step[i].awaits = phase; assert(step[i].attempt < ATTEMPTS)
}
inline END_STEP(i, to) { step[i].status = to; step[i].awaits = NOTHING; step[i].epoch = 0 }
inline REDELIVER(i) { step[i].epoch++; assert(step[i].epoch < EPOCHS) }
inline PARK(g) {
  saga[g].parked_in = saga[g].status; saga[g].status = FAILED;
  saga[g].letter = 1; saga[g].incident = 1
}
inline FINISH(g, to) {
  saga[g].status = to; saga[g].paused = 0; saga[g].stopping = 0;
  if :: g == CHILD -> ends++; note_epoch = 0; assert(ends < ATTEMPTS) :: else fi
}

inline COMPENSATE_NEXT(g) {                                      /* backward.compensate_next */
  f_ = 2 * g;
  if
  :: IS_OPEN(f_ + 1) || IS_OPEN(f_)
  :: !(IS_OPEN(f_ + 1) || IS_OPEN(f_)) && NEEDS_COMPENSATION(f_ + 1) -> SCHEDULE(f_ + 1, COMPENSATE)
  :: !(IS_OPEN(f_ + 1) || IS_OPEN(f_)) && !(NEEDS_COMPENSATION(f_ + 1)) ->
     if
     :: step[f_ + 1].status == COMPENSATION_FAILED || step[f_].status == COMPENSATION_FAILED -> PARK(g)
     :: else ->
        if
        :: NEEDS_COMPENSATION(f_) -> SCHEDULE(f_, COMPENSATE)
        :: else -> FINISH(g, ROLLED_BACK)
        fi
     fi
  fi
}

inline ADVANCE(g) {                                              /* stages.advance */
  n_ = 2 * g + (step[2 * g].status == DONE);                     /* the present step */
  if
  :: saga[g].status == RUNNING && !IS_OPEN(n_) ->
     if
     :: step[n_].status == STEP_FAILED || step[n_].status == CANCELLED || saga[g].stopping ->
        saga[g].status = ROLLING_BACK; saga[g].stopping = 0; COMPENSATE_NEXT(g)
     :: step[n_].status == PENDING && !saga[g].stopping -> SCHEDULE(n_, EXECUTE)
     :: else -> FINISH(g, COMPLETED)                             /* the second step is done */
     fi
  :: else
  fi
}

inline STOP(g) {                                                 /* stop.stop */
  saga[g].stopping = 1; n_ = 2 * g + (step[2 * g].status == DONE);
  if
  :: step[n_].status == WAITING ->
     step[n_].status = CANCELLED; step[n_].maybe_applied = (n_ == CHILD_STEP)
  :: else
  fi;
  ADVANCE(g)
}

inline LIFT_PAUSE(g) {                                           /* control._lift_pause */
  saga[g].paused = 0; if :: g == PARENT -> pause_number++ :: else fi;
  j_ = 2 * g; if :: step[j_].awaits != NOTHING -> REDELIVER(j_) :: else fi;
  j_++; if :: step[j_].awaits != NOTHING -> REDELIVER(j_) :: else fi
}

/* The child is asked to follow what the parent's last pause or resume was. */
inline FOLLOW() {                                                /* control.pause, control.resume */
  if
  :: pause_number > parent_pause && saga[PARENT].paused && ACTIVE(CHILD) ->
     COMMITTED(CHILD); saga[CHILD].paused = 1; parent_pause = pause_number
  :: pause_number > parent_pause && !saga[PARENT].paused &&
     (ACTIVE(CHILD) || (saga[CHILD].paused && !FINISHED(CHILD))) ->
     COMMITTED(CHILD); parent_pause = pause_number;
     if :: saga[CHILD].paused -> LIFT_PAUSE(CHILD) :: else fi
  :: else
  fi
}

inline REVERT() {                                                /* control.revert, of the child */
  if
  :: saga[CHILD].status == ROLLED_BACK ||
     ((saga[CHILD].status == ROLLING_BACK || saga[CHILD].stopping) && !saga[CHILD].paused)
  :: else ->
     COMMITTED(CHILD);
     if :: saga[CHILD].paused -> LIFT_PAUSE(CHILD) :: else fi;
     if
     :: saga[CHILD].status == COMPLETED ->
        notified = 0; saga[CHILD].status = ROLLING_BACK; COMPENSATE_NEXT(CHILD)
     :: saga[CHILD].status == FAILED && !saga[CHILD].stopping ->
        saga[CHILD].stopping = (saga[CHILD].parked_in == RUNNING)
     :: saga[CHILD].status == RUNNING && !saga[CHILD].stopping -> STOP(CHILD)
     :: else
     fi
  fi
}

inline ADVANCE_ROLLBACK(g) {                                     /* backward.advance_rollback */
  if :: saga[g].status == ROLLING_BACK -> COMPENSATE_NEXT(g) :: else fi
}

/* Whether the parent records an end of its child: machine/children.py */
#define HEARS_FORWARD (COURSE(PARENT) == RUNNING && step[CHILD_STEP].status == WAITING)
#define HEARS_BACK (COURSE(PARENT) == ROLLING_BACK && \
  (step[CHILD_STEP].awaits == COMPENSATE || step[CHILD_STEP].status == WAITING))

inline RECORD_CHILD_END(end) {
  if
  :: HEARS_FORWARD && end == COMPLETED -> END_STEP(CHILD_STEP, DONE); ADVANCE(PARENT)
  :: HEARS_FORWARD && end != COMPLETED ->
     END_STEP(CHILD_STEP, STEP_FAILED);
     if :: !saga[PARENT].stopping -> STOP(PARENT) :: else -> ADVANCE(PARENT) fi
  :: HEARS_BACK && end == ROLLED_BACK ->
     END_STEP(CHILD_STEP, COMPENSATED); ADVANCE_ROLLBACK(PARENT)
  :: HEARS_BACK && end != ROLLED_BACK ->                         /* an operator has completed it */
     if :: step[CHILD_STEP].status == WAITING -> step[CHILD_STEP].status = DONE :: else fi;
     SCHEDULE(CHILD_STEP, COMPENSATE)
  :: else
  fi
}

#define CHANGES(i, attempt_, undoes) (step[i].attempt == attempt_ && \
  ((undoes && COURSE(SAGA_OF(i)) == ROLLING_BACK && step[i].awaits == COMPENSATE) || \
   (!undoes && COURSE(SAGA_OF(i)) == RUNNING && step[i].awaits == EXECUTE)))

inline RECORD(i, undoes, result) {
  f_ = SAGA_OF(i);
  if
  :: undoes ->
     if
     :: result == SUCCESS -> END_STEP(i, COMPENSATED)
     :: result == IN_PROGRESS -> END_STEP(i, WAITING)
     :: else -> END_STEP(i, COMPENSATION_FAILED)
     fi;
     if :: i < WAIT -> ADVANCE_ROLLBACK(PARENT) :: else -> ADVANCE_ROLLBACK(CHILD) fi
  :: !undoes ->
     if
     :: result == SUCCESS -> END_STEP(i, DONE)
     :: result == STOP_OBSERVED -> END_STEP(i, CANCELLED); step[i].maybe_applied = 1
     :: else ->
        END_STEP(i, STEP_FAILED)
     fi;
     if
     :: i < WAIT && step[i].status != DONE && !saga[PARENT].stopping -> STOP(PARENT)
     :: i >= WAIT && step[i].status != DONE && !saga[CHILD].stopping -> STOP(CHILD)
     :: i < WAIT && (step[i].status == DONE || saga[PARENT].stopping) -> ADVANCE(PARENT)
     :: else -> ADVANCE(CHILD)
     fi
  fi
}
