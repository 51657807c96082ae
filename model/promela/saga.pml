/* The protocol of one saga: delivery, commit, enqueue; sweep, operator, barrier, alert.
 *
 * One atomic step here is one call of Datastore or of Cloud Tasks there. All else interleaves freely:
 * WORKERS workers, a sweep, an operator, threads that outlive their time-out, and an environment that
 * kills a process at any point, gives a dispatch up, delivers a task twice at once, or loses it:
 * FAULTS of these in all. `python -m model` runs it; docs/model.md says which process is which code.
 */
#ifndef N
#define N 2                  /* steps */
#endif
#ifndef PIVOT
#define PIVOT 9              /* the index of the pivot; 9: none */
#endif
#ifndef GROUP
#define GROUP 1              /* so many steps run side by side, from the step GROUP_AT */
#endif
#ifndef GROUP_AT
#define GROUP_AT 0
#endif
#ifndef HALT
#define HALT 1               /* a failed compensation stops the rollback */
#endif
#ifndef INLINE
#define INLINE 0             /* 1: an invocation may go on with the next step */
#endif
#ifndef CALLER
#define CALLER 0             /* 1: the first step runs in the request that starts the saga */
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef CANCELS
#define CANCELS 0
#endif
#ifndef RETRIES
#define RETRIES 0            /* an operator's retries of what is parked */
#endif
#ifndef PARKS
#define PARKS 0              /* an operator parks the saga, in any state */
#endif
#ifndef PAUSES
#define PAUSES 0
#endif
#ifndef THREADS
#define THREADS 0            /* threads that go on after their time-out */
#endif
#ifndef DUPLICATES
#define DUPLICATES 1         /* 0: no fault delivers a task that another worker still runs */
#endif
#ifndef LOSSES
#define LOSSES 1             /* 0: the queue loses no task */
#endif
#ifndef BARE
#define BARE 0               /* 1: the participants have no barrier */
#endif
#ifndef CALLED_ONCE
#define CALLED_ONCE 0        /* 1: no step may have its effect twice even so */
#endif
#ifndef EARLY
#define EARLY 0              /* sweeps that take a task for lost that is only late */
#endif
#ifndef MAX_EXECUTIONS
#define MAX_EXECUTIONS 2
#endif
#ifndef MAX_COMPENSATIONS
#define MAX_COMPENSATIONS 1
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 5           /* attempts 0 .. ATTEMPTS - 1 of a step: an assertion says if too few */
#endif
#ifndef EPOCHS
#define EPOCHS 4
#endif

#include "records.pml"
#include "machine.pml"
#include "barrier.pml"
#include "engine.pml"
#include "actors.pml"

init {
  byte next[N]; byte n;
  atomic {
    d_step {
      j_ = 0;
      do
      :: j_ < N -> step[j_].status = PENDING; step[j_].awaits = NOTHING; effect[j_] = NO_EFFECT; j_++
      :: else -> break
      od;
      j_ = 0;
      do :: j_ < WORKERS -> idle[j_] = 1; j_++ :: else -> break od;
      ENTER(0)                                                   /* Engine.start */
    };
#if CALLER
    d_step { step[0].inline_run = 1; handing++; current[0] = 1; idle[0] = 0 };
#endif
    if
    :: d_step {
         TAKE_OUTSTANDING(false); i_ = 0;
         do :: i_ < N -> if :: next[i_] > 0 -> ENQUEUE(i_) :: else fi; i_++ :: else -> break od;
         i_ = 0
       }
#ifndef NO_SWEEP
    :: DIES                                                      /* the sweep finds the saga */
#endif
    fi;
    do :: n < WORKERS -> run Worker(n, CALLER && n == 0); n++ :: else -> break od;
    run Sweep(); run Operator(); run Threads(); run Environment(); run Monitor()
  }
}
