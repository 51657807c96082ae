/* A worker on a parent and its child: lib/saga/engine/engine.py and children.py. */

/* next[i]: 1 + the name of the task that this process is still to enqueue for a step. */
inline TAKE_STEP(i) { if :: IS_OUTSTANDING(i) && task[NAME_OF(i)] == 0 -> next[i] = 1 + NAME_OF(i) :: else fi }
inline TAKE_CHILD() {
  TAKE_STEP(WAIT); TAKE_STEP(WORK);
  if :: IS_NOTE_OUTSTANDING && task[NAME_OF_NOTE] == 0 -> next[NOTE] = 1 + NAME_OF_NOTE :: else fi;
  j_ = 0
}
inline TAKE_PARENT() {
  TAKE_STEP(CHILD_STEP); TAKE_STEP(LAST);
  if :: step[CHILD_STEP].status == WAITING -> TAKE_CHILD() :: else fi;
  j_ = 0
}
inline ENQUEUE() {
  j_ = 0;
  do
  :: j_ <= NOTE ->
     if :: next[j_] > 0 && task[next[j_] - 1] == 0 -> task[next[j_] - 1] = 1; queued++ :: else fi;
     next[j_] = 0; j_++
  :: else -> break
  od;
  j_ = 0
}
inline FORGET() {
  j_ = 0;
  do :: j_ <= NOTE -> next[j_] = 0; j_++ :: else -> break od;
  j_ = 0
}
#define DIES faults > 0 -> faults--

proctype Worker() {
  byte n, name, i, attempt; bit undoes; mtype result = NONE; byte next[NOTE + 1];
#ifdef BREAK_CHILD_TOLD_FIRST
  bit told; mtype end = NONE;
#endif
end_idle:
  atomic {
    queued > 0; select(n : 1 .. queued); queued--;
    d_step {
      handing++; name = 0;
      do
      :: task[name] == 1 && n == 1 -> break
      :: task[name] == 1 && n > 1 -> n--; name++
      :: else -> name++
      od;
      n = 0; task[name] = 2;
      i = name / (ATTEMPTS * EPOCHS); attempt = (name / EPOCHS) % ATTEMPTS;
      if
      :: i == NOTE -> result = NONE
      :: i < NOTE && IS_OUTSTANDING(i) && step[i].attempt == attempt ->
         undoes = (step[i].awaits == COMPENSATE);
         if
         :: !undoes && saga[SAGA_OF(i)].stopping -> result = STOP_OBSERVED
         :: else -> result = IN_PROGRESS
         fi
      :: else ->
         result = NONE;
         if :: i < WAIT -> TAKE_PARENT() :: else -> TAKE_CHILD() fi
      fi
    };
    if
    :: i == NOTE -> goto notify
    :: i < NOTE && result == NONE -> goto hand_over
    :: i < NOTE && result == STOP_OBSERVED -> goto commit
    :: else
    fi
  }
  if
  :: i == CHILD_STEP ->                                          /* Children.roll_back */
     d_step { REVERT(); TAKE_CHILD(); if :: saga[CHILD].status == ROLLED_BACK -> result = SUCCESS :: else fi };
     if
     :: atomic { DIES; goto crashed }
     :: d_step { true; ENQUEUE() }
     fi
  :: i != CHILD_STEP && undoes ->
     if
     :: d_step { true; undone[i] = applied[i]; refused[i] = ATTEMPTS; result = SUCCESS }
     :: d_step { undo_fails > 0 -> undo_fails--; result = RETRYABLE }
     fi
  :: else ->
     if
     :: d_step { !undone[i] && refused[i] < attempt -> applied[i] = 1; result = SUCCESS }
     :: d_step { !applied[i] || undone[i] -> refused[i] = attempt; result = PERMANENT }
     fi
  fi;
commit:
  if
  :: atomic { DIES; goto crashed }
  :: d_step {
       true;
       if :: CHANGES(i, attempt, undoes) -> COMMITTED(SAGA_OF(i)); RECORD(i, undoes, result) :: else fi;
       if :: i < WAIT -> TAKE_PARENT() :: else -> TAKE_CHILD() fi
     }
  fi;
  goto hand_over;
notify:                                                          /* Children.notify_parent */
  skip;
#ifdef BREAK_CHILD_TOLD_FIRST         /* a commit of its own, before that of the parent */
  if
  :: d_step { IS_NOTE_OUTSTANDING -> notified = 1; told = 1; end = saga[CHILD].status }
  :: d_step { !IS_NOTE_OUTSTANDING -> told = 0 }
  fi;
  if
  :: atomic { DIES; told = 0; end = NONE; goto crashed }
  :: d_step { true; if :: told -> RECORD_CHILD_END(end) :: else fi; told = 0; end = NONE; TAKE_PARENT() }
  fi;
#else
  d_step {
    if
    :: IS_NOTE_OUTSTANDING ->
       notified = 1; COMMITTED(PARENT); COMMITTED(CHILD); RECORD_CHILD_END(saga[CHILD].status)
    :: else
    fi;
    TAKE_PARENT()
  };
#endif
hand_over:
  if
  :: atomic { DIES; goto crashed }
  :: d_step { true; ENQUEUE() }
  fi;
  task[name] = 3;
  goto leave;
crashed:
  atomic { j_ = 0; d_step { FORGET(); task[name] = 1; queued++ } };
leave:
  atomic {
    j_ = 0; d_step { handing--; name = 0; i = 0; attempt = 0; undoes = 0; result = NONE };
    goto end_idle
  }
}
