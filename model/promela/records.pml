/* What is stored: the saga's one record with its steps, the tasks of the queue, the effects.
 * lib/saga/state/records.py, lib/saga/barrier.py */

mtype = { RUNNING, ROLLING_BACK, COMPLETED, ROLLED_BACK, FAILED }    /* PENDING is RUNNING here */
mtype = { PENDING, DONE, STEP_FAILED, CANCELLED, COMPENSATED, COMPENSATION_FAILED }
mtype = { NOTHING, EXECUTE, COMPENSATE }                             /* what a step awaits */
mtype = { NONE, SUCCESS, PERMANENT, RETRYABLE, UNKNOWN, STOP_OBSERVED }   /* an attempt's result */
mtype = { NO_EFFECT, APPLIED, REFUSED, UNDONE }                      /* at a participant */

typedef Step {
  mtype status; mtype awaits;
  byte attempt; byte first_attempt; byte epoch;
  bit maybe_applied; bit unbegun;
  bit inline_run               /* the invocation that committed it runs it: it has no task yet */
}

/* the saga's record; `current[w]`: process w has read its newest version */
mtype status = RUNNING; mtype parked_in = NONE;
byte current_step; bit stopping, paused; byte incident;
Step step[N];
bit current[WORKERS + 1];

/* its dead letter: the number of the incident that it is of, and whether it is noted as alerted */
byte letter; bit alerted;
byte incidents; byte alerts;           /* how many incidents; which of them an alert was logged for */

/* Tasks by name. 0: never made, 1: queued, 2: in flight, 3: gone, and its name is used. */
#define TASK(i, attempt, epoch) (((i) * ATTEMPTS + (attempt)) * EPOCHS + (epoch))
#define NAME_OF(i) TASK(i, step[i].attempt, step[i].epoch)
byte task[N * ATTEMPTS * EPOCHS];
bit lost[N * ATTEMPTS * EPOCHS];       /* an earlier dispatch ended without an answer */
bit undoes[N * ATTEMPTS * EPOCHS];     /* it is of phase COMPENSATE */
byte owner[N * ATTEMPTS * EPOCHS];     /* 1 + the worker whose answer counts; 0: nobody's */
byte queued, in_flight; bit idle[WORKERS];
byte handing;                          /* committed deliveries that a live process will enqueue */

/* the participants: the barrier's record, and what really happened */
mtype effect[N]; byte token[N]; bit applied[N], undone[N];
byte thread[N];                        /* the attempt whose thread goes on after its time-out */

/* what may still go wrong, or be asked for */
byte faults = FAULTS, cancels = CANCELS, retries = RETRIES, parks = PARKS, pauses = PAUSES;
byte threads = THREADS, early = EARLY;

/* Scratch variables: each is set and read within one d_step. */
hidden byte i_, j_, from_, to_;
hidden byte open_, failed_, maybe_, undo_failed_, stop_, advance_, found_;

#define COMPENSATABLE(i) ((i) < PIVOT)
#define RETRIABLE(i) ((i) > PIVOT)
#define IN_GROUP(i) ((i) >= GROUP_AT && (i) < GROUP_AT + GROUP)
#define FIRST_OF_STAGE(i) (IN_GROUP(i) -> GROUP_AT : (i))
#define LAST_OF_STAGE(i) (IN_GROUP(i) -> GROUP_AT + GROUP - 1 : (i))
#define ACTIVE (status == RUNNING || status == ROLLING_BACK)
#define COURSE (status == FAILED -> parked_in : status)
#define IS_OUTSTANDING(i) (ACTIVE && !paused && step[i].awaits != NOTHING)
