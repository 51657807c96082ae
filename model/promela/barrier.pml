/* The effects at the participants, and what must never be seen of them: lib/saga/barrier.py */

#if BARE                      /* it has no barrier: it does whatever it is asked, again and again */
#define MAY_APPLY(i, attempt_) (true)
#elif defined(BREAK_REFUSAL_FORGOTTEN)
#define MAY_APPLY(i, attempt_) (effect[i] == NO_EFFECT || effect[i] == REFUSED)
#else
#define MAY_APPLY(i, attempt_) (effect[i] == NO_EFFECT || \
  (effect[i] == REFUSED && token[i] < attempt_))
#endif

inline APPLY(i) {                                                /* apply_once */
#if !BARE || CALLED_ONCE
  assert(!applied[i]);                                           /* no effect twice */
#endif
  assert(!undone[i]);                                            /* none after its compensation */
  effect[i] = APPLIED; token[i] = 0; applied[i] = 1;
  j_ = 0;
  do                                                             /* no pivot after a rollback began */
  :: j_ < N -> assert(i != PIVOT || !undone[j_]); j_++
  :: else -> break
  od
}

inline UNDO(i) {                                                 /* undo_once */
  if
  :: effect[i] == APPLIED ->
     assert(!undone[i]); undone[i] = 1; effect[i] = UNDONE; j_ = LAST_OF_STAGE(i) + 1;
     do                                                          /* in reverse order */
     :: j_ < N -> assert(!HALT || applied[j_] == undone[j_]); j_++
     :: else -> break
     od
#ifndef BREAK_NO_TOMBSTONE
  :: effect[i] == NO_EFFECT || effect[i] == REFUSED -> effect[i] = UNDONE; token[i] = 0
#endif
  :: else
  fi
}

inline REFUSE(i, attempt_) { effect[i] = REFUSED; token[i] = attempt_ }

/* A thread that goes on after its time-out may have its effect at any later time. */
#define END_THREAD(i) \
  d_step { thread[i] > 0 -> if :: MAY_APPLY(i, thread[i]) -> APPLY(i) :: else fi; thread[i] = 0 }

proctype Threads() {
end_idle:
  do
  :: END_THREAD(0)
#if N > 1
  :: END_THREAD(1)
#endif
#if N > 2
  :: END_THREAD(2)
#endif
  od
}
