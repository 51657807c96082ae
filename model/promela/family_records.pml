/* What is stored of a parent and its child. */

#define PARENT 0
#define CHILD 1
#define CHILD_STEP 0         /* the parent's steps */
#define LAST 1
#define WAIT 2               /* the child's steps */
#define WORK 3
#define STEPS 4
#define NOTE 4               /* beside the steps' deliveries: the child's to its parent */
#define SAGA_OF(i) ((i) / 2)

mtype = { RUNNING, ROLLING_BACK, COMPLETED, ROLLED_BACK, FAILED }
mtype = { PENDING, WAITING, DONE, STEP_FAILED, CANCELLED, COMPENSATED, COMPENSATION_FAILED }
mtype = { NOTHING, EXECUTE, COMPENSATE }
mtype = { NONE, SUCCESS, PERMANENT, STOP_OBSERVED, IN_PROGRESS, RETRYABLE }

typedef Step { mtype status; mtype awaits; byte attempt; byte epoch; bit maybe_applied }
typedef Saga {
  mtype status; mtype parked_in; bit stopping, paused, incident;
  bit letter;                /* a dead letter exists */
  bit as_seen                /* the daily look has read its newest version */
}
Saga saga[2]; Step step[STEPS];
byte pause_number, parent_pause;       /* the parent's last pause or resume; the one followed */
bit notified, signal, by_hand; byte ends, note_epoch;
bit applied[STEPS], undone[STEPS]; byte refused[STEPS];      /* the attempt that was refused */

#define TASK(i, attempt, epoch) (((i) * ATTEMPTS + (attempt)) * EPOCHS + (epoch))
#define NAME_OF(i) TASK(i, step[i].attempt, step[i].epoch)
#define NAME_OF_NOTE TASK(NOTE, ends, note_epoch)
byte task[(STEPS + 1) * ATTEMPTS * EPOCHS];      /* 0: never made, 1: queued, 2: in flight, 3: gone */
byte queued, handing;                  /* handing: processes that are about to enqueue or pass on */

byte faults = FAULTS, cancels = CANCELS, pauses = PAUSES, parks = PARKS, retries = RETRIES;
byte resolves = RESOLVES, undo_fails = UNDO_FAILS, looks = LOOKS, signals = SIGNAL;

hidden byte j_, f_, n_;

#define ACTIVE(g) (saga[g].status == RUNNING || saga[g].status == ROLLING_BACK)
#define FINISHED(g) (saga[g].status == COMPLETED || saga[g].status == ROLLED_BACK)
#define COURSE(g) (saga[g].status == FAILED -> saga[g].parked_in : saga[g].status)
#define IS_OPEN(i) (step[i].awaits != NOTHING || step[i].status == WAITING)
#define IS_OUTSTANDING(i) \
  (ACTIVE(SAGA_OF(i)) && !saga[SAGA_OF(i)].paused && step[i].awaits != NOTHING)
#define IS_NOTE_OUTSTANDING (FINISHED(CHILD) && !notified)
#define NEEDS_COMPENSATION(i) (i != WAIT && (step[i].status == DONE || \
  ((step[i].status == STEP_FAILED || step[i].status == CANCELLED) && step[i].maybe_applied)))
/* The child has not followed the parent's last pause or resume: children._is_stray. */
#define IS_STRAY (pause_number > 0 && parent_pause != pause_number && \
  (ACTIVE(CHILD) || (saga[CHILD].paused && !saga[PARENT].paused)) && \
  (step[CHILD_STEP].status == WAITING || FINISHED(PARENT)))
