/* A parent saga whose first step is a child saga: how the child begins, ends, rolls back and pauses.
 *
 * An attempt of a plain step is simple here: it succeeds, or fails for good, and a task that comes
 * again finds the barrier's answer; saga.pml has the rest. What is read, decided and committed again
 * after a conflict, with no other effect, is one atomic step. Only the daily look reads one record
 * after the other, and needs the version. docs/model.md says which process is which code.
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef SIGNAL
#define SIGNAL 0             /* 1: the child first waits for a signal */
#endif
#ifndef CANCELS
#define CANCELS 0            /* cancels, of the parent or of the child */
#endif
#ifndef PAUSES
#define PAUSES 0             /* pauses of the parent */
#endif
#ifndef PARKS
#define PARKS 0              /* either is parked by an operator */
#endif
#ifndef RETRIES
#define RETRIES 0
#endif
#ifndef RESOLVES
#define RESOLVES 0           /* the parked child is closed by hand */
#endif
#ifndef UNDO_FAILS
#define UNDO_FAILS 0         /* compensations that fail */
#endif
#ifndef LOOKS
#define LOOKS 0              /* daily looks at any time; one after a missed pause always comes */
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 6
#endif
#ifndef EPOCHS
#define EPOCHS 4
#endif

#include "family_records.pml"
#include "family_machine.pml"
#include "family_engine.pml"
#include "family_actors.pml"

init {
  byte n; byte next[NOTE + 1];
  atomic {
    d_step {                                                     /* one commit begins both */
      saga[PARENT].status = RUNNING; saga[CHILD].status = RUNNING;
      saga[PARENT].parked_in = NONE; saga[CHILD].parked_in = NONE; n = 0;
      do
      :: n < STEPS -> step[n].status = PENDING; step[n].awaits = NOTHING; n++
      :: else -> break
      od;
      step[CHILD_STEP].status = WAITING; n = 0;
      if
      :: SIGNAL -> step[WAIT].status = WAITING
      :: else -> step[WAIT].status = DONE; SCHEDULE(WORK, EXECUTE)
      fi;
      TAKE_PARENT()
    };
    if
    :: d_step { true; ENQUEUE() }
    :: d_step { DIES; FORGET() }
    fi;
    n = 0;
    do :: n < WORKERS -> run Worker(); n++ :: else -> break od;
    run Sweep(); run Look(); run Operator(); run Environment(); run Monitor()
  }
}
