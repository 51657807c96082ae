"""Wrong declarations, each refused with where, what is wrong, and what to write."""

import re

import pytest

from lib.saga.definition.checks import DeclarationError
from lib.saga.definition.steps import Step
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from tests.unit.saga.wrong import SCOPE, a, saga

#: A declaration, and a part of its error message; "…" stands for anything.
WRONG: list[tuple[str, str]] = [
    # A forgotten comma or bracket.
    ("saga(steps=a())", "saga pay: steps is the Step a alone…steps=(Step(...),)"),
    ("saga(steps=Parallel(a(), a('b')))", "saga pay: steps is the Parallel alone"),
    ("a()(a('b'))", "Step a: it is called…write a comma"),
    ("Parallel(a())(a('b'))", "Parallel…write a comma"),
    ("Timer('t', after=d(1))(a())", "Timer t:…write a comma"),
    ("Definitions([saga()(saga())])", "Saga pay:…write a comma"),
    ("saga(steps='reserve' 'pay')", "saga pay: steps is 'reservepay' (str): write a tuple"),
    ("saga(a(), 'b')", "saga pay: entry 2 of steps: 'b' (str) is not an element…Step(...)"),
    ("saga(a(), [a('b'), a('c')])", "saga pay: entry 2 of steps is…Parallel(...)"),
    ("saga(steps=(each for each in [a()]))", "saga pay: steps is …generator… write a tuple"),
    ("saga(steps={a()})", "saga pay: steps is…write a tuple"),
    ("saga(steps=None)", "saga pay: steps is None: write a tuple"),
    ("saga(steps=())", "saga pay: steps is empty: a saga has at least one step"),
    ("saga(steps=[])", "saga pay: steps is empty"),
    ("saga(Step)", "saga pay: entry 1 of steps: the class Step is not an element"),
    ("saga(act)", "saga pay: entry 1 of steps: the function act is not an element"),
    ("saga(saga())", "saga pay: entry 1 of steps: the Saga pay is not an element…Child(...)"),
    ("saga(a(), None)", "saga pay: entry 2 of steps: None is not an element"),
    # A misspelt or missing keyword.
    (
        "Step('b', execute=act, compensation=act)",
        "Step b:…'compensation'; write compensate=",
    ),
    ("Step('b', execute=act, retries=3)", "Step b:…'retries'; write retry="),
    (
        "Step('b', act)",
        "Step b: too many positional arguments; it takes name, service…write execute=... with",
    ),
    ("Step('b')", "Step b: missing a required…'execute'; it takes name"),
    ("Timer('t', seconds=5)", "Timer t:…write after="),
    ("Step('b', execute=act, undo=act)", "Step b:…'undo'; write compensate="),
    ("Step('b', execute=act, attempts=3)", "Step b:…write retry=RetryPolicy(attempts=...)"),
    ("Step('b', execute=act, depends_on=['a'])", "Step b:…'depends_on'; it takes name, service"),
    ("Signal('s', timeout=d(1))", "Signal s:…'timeout'; write within="),
    ("Signal(payload=First)", "Signal:…'name'…write name=... with its name"),
    ("saga(timeout=d(1))", "Saga pay:…'timeout'; write deadline="),
    ("Saga('pay', dict)", "Saga pay: missing a required argument: 'steps'"),
    ("RetryPolicy(5)", "RetryPolicy: too many positional arguments; it takes attempts, first"),
    ("RetryPolicy(attempt=5)", "RetryPolicy…'attempt'; write attempts="),
    ("HttpCall('https://pay.example', 'GET')", "HttpCall: too many"),
    ("Child('c', saga(), payload=yes)", "Child c: too many…write saga=... with its name"),
    ("Parallel(parts=(a(), a('b')))", "Parallel:…'parts'; write Parallel(a, b), without names"),
    ("RetryPolicy(factor=float('inf'))", "factor is inf: write a finite number"),
    ("RetryPolicy(factor=float('nan'))", "factor is nan: write a finite number"),
    # Functions of another saga.
    (
        "saga(Step('b', execute=for_first), payload=Second)",
        "saga pay: step b: execute is the function for_first, whose parameter payload is annotated "
        "First, but it is called with Second: write payload: Second",
    ),
    ("saga(a(compensate=for_first), payload=Second)", "step a: compensate is the function"),
    ("saga(a(status=for_first), payload=Second)", "step a: status is the function"),
    ("saga(a(when=if_first), payload=Second)", "step a: when is the function if_first"),
    ("saga(Timer('t', after=d(1), when=if_first), payload=Second)", "timer t: when is"),
    (
        "saga(Child('c', saga=saga(name='k'), payload=if_first), payload=Second)",
        "child c: payload is the function",
    ),
    (
        "saga(a(compensate=for_first), payload=dict[str, int])",
        "annotated First…with dict[str, int]",
    ),
    ("saga(Step('b', execute=FirstCaller()), payload=Second)", "annotated First"),
    ("saga(Step('b', execute=functools.partial(for_first)), payload=Second)", "annotated First"),
    ("Step('b', execute=swapped)", "step b: execute…payload is annotated Second…StepContext"),
    # Functions that do not run each time.
    ("Step('b', execute=cached)", "step b: execute is a cached function…remove the cache"),
    ("Step('b', execute=functools.cache(act))", "step b: execute is a cached function"),
    ("Step('b', execute=act, compensate=cached)", "step b: compensate is a cached function"),
    # Payloads that say nothing.
    ("saga(payload=TypeVar('T'))", "saga pay: payload is the type variable T"),
    ("saga(payload=WithInitVar)", "saga pay: payload is the class WithInitVar…`InitVar`"),
    ("saga(payload=Unannotated)", "Unannotated.count has no annotation"),
    ("saga(payload=list[UnannotatedStruct])", "UnannotatedStruct.count has no annotation"),
    ("saga(payload=AProtocol)", "saga pay: payload is the class AProtocol"),
    # Groups.
    ("Parallel('group', a(), a('b'))", "Parallel(a, b): 'group' (str)…a group has no name"),
    (
        "Parallel(each for each in [a()])",
        "a generator is not an element: write Parallel(*elements)",
    ),
    (
        "saga((a(), a('b')))",
        "entry 1 of steps is a tuple of 2, with the Step a in it: write *",
    ),
    ("Parallel([a(), a('b')])", "Parallel():…write Parallel(a, b), or Parallel(*elements)"),
    ("Parallel(a(), Parallel(a('b')))", "Parallel(a): a group cannot contain a group"),
    ("Parallel()", "a group has 1 to 20 elements, not 0"),
    ("Parallel(*many(21))", "a group has 1 to 20 elements, not 21"),
    ("Parallel(a(), 'b')", "Parallel(a): 'b' (str) is not an element of a saga"),
    ("Parallel(a(), Step)", "Parallel(a): the class Step is not an element"),
    ("Parallel(a(), a('b', pivot=True))", "b is the pivot, which cannot be in a group"),
    # Durations.
    ("a(timeout=30)", r"step a: timeout is 30 (int):…timeout=timedelta(seconds=30)"),
    ("a(timeout=2.5)", "step a: timeout is 2.5 (float):…timedelta(seconds=2.5)"),
    ("a(timeout='30s')", "step a: timeout is '30s' (str): write a timedelta"),
    ("a(timeout=None)", "step a: timeout is None: write a timedelta"),
    ("a(timeout=d(0))", "step a: timeout is 0:00:00: it must be longer than zero"),
    ("a(timeout=d(seconds=-1))", "step a: timeout is…longer than zero"),
    ("a(timeout=d(minutes=30))", "step a: timeout is 0:30:00: it is at most 0:29:00"),
    ("a(timeout=d.max)", "step a: timeout is 999999999 days… at most 0:29:00"),
    ("a(timeout=datetime(2026, 1, 1))", "step a: timeout is …datetime… write a timedelta"),
    ("Timer('t', after=60)", "timer t: after is 60 (int):…after=timedelta(seconds=60)"),
    ("Timer('t', after=d(-1))", "timer t: after is -1 day, 0:00:00: it must not be negative"),
    ("Timer('t', after=d.max)", "timer t: after is 999999999 days… at most 36500 days"),
    ("Timer('t', after=None)", "timer t: after is None: write a timedelta"),
    ("Signal('s', within=60)", "signal s: within is 60 (int):…within=timedelta(seconds=60)"),
    ("Signal('s', within=True)", "signal s: within is True: write a timedelta"),
    ("Signal('s', within=d(-1))", "signal s: within is…must not be negative"),
    ("Signal('s', within=d.max)", "signal s: within is…at most"),
    ("saga(deadline=3600)", "saga pay: deadline is 3600 (int):…timedelta(seconds=3600)"),
    ("saga(deadline=d(0))", "saga pay: deadline is 0:00:00: it must be longer than zero"),
    ("saga(deadline=d(-1))", "saga pay: deadline is -1 day"),
    ("saga(deadline=d.max)", "saga pay: deadline is…at most 36500 days"),
    # What cannot finish before the deadline.
    (
        "saga(Timer('t', after=d(2)), deadline=d(1))",
        "saga pay: t: after is 2 days,…and the saga's deadline of 1 day",
    ),
    (
        "saga(Signal('s', within=d(2)), deadline=d(1))",
        "saga pay: s: within is 2 days,…deadline of 1 day",
    ),
    (
        "saga(a(timeout=d(minutes=5)), deadline=d(minutes=1))",
        "saga pay: a: timeout is 0:05:00, and the saga's deadline of 0:01:00",
    ),
    (
        "saga(Timer('t', after=d(1)), Timer('u', after=d(1)), deadline=d(2))",
        "saga pay: its timers before the pivot take 2 days,…deadline of 2 days",
    ),
    (
        "saga(child(of=saga(Timer('t', after=d(2)), name='kid')), deadline=d(1))",
        "saga pay: its timers…take 2 days",
    ),
    # Actions.
    ("Step('b', execute=None)", "step b: execute is None, not a function:…def f(payload, context)"),
    ("Step('b', execute='act')", "step b: execute is 'act' (str), not a function"),
    ("Step('b', execute={'a': 1})", "step b: execute is {'a': 1} (dict), not a function"),
    ("Step('b', execute=a())", "step b: execute is the Step a, not a function"),
    (
        "Step('b', execute=lambda: None)",
        "step b: execute is …lambda…(payload, context) does not fit",
    ),
    ("Step('b', execute=lambda p: p)", "step b: execute is…it takes (p)"),
    ("Step('b', execute=one)", "step b: execute is the function one:…it takes (payload"),
    ("Step('b', execute=three)", "step b: execute is the function three:…'store'"),
    ("Step('b', execute=named)", "step b: execute is the function named:…def f(payload, context)"),
    ("Step('b', execute=nothing)", "step b: execute is the function nothing:…it takes ()"),
    ("Step('b', execute=Service.execute)", "step b:…pass a method of an instance"),
    ("Step('b', execute=Service)", "step b: execute is the class Service:…only makes an object"),
    ("Step('b', execute=dict)", "step b: execute is the class dict"),
    ("Step('b', execute=later)", "step b: execute…async…plain function"),
    ("Step('b', execute=piecemeal)", "step b: execute…generator"),
    ("Step('b', execute=later_piecemeal)", "step b: execute…generator"),
    ("Step('b', execute=functools.partial(later))", "step b: execute…async"),
    ("Step('b', execute=functools.partial(act, 1, 2))", "step b: execute…does not fit"),
    ("Step('b', execute=Service().execute_later)", "step b: execute…async"),
    ("Step('b', execute=LateCaller())", "step b: execute…async"),
    (
        "a(compensate=one)",
        "step a: compensate is the function one:…(payload, context)",
    ),
    ("a(compensate=False)", "step a: compensate is False, not a function"),
    ("a(compensate=later)", "step a: compensate…async"),
    ("a(status='GET')", "step a: status is 'GET' (str), not a function"),
    ("a(status=three)", "step a: status is the function three"),
    ("a(status=later)", "step a: status…async"),
    ("a(when=True)", "step a: when is True, not a function:…def f(payload, outputs)"),
    ("a(when=lambda payload: True)", "step a: when is…(payload, outputs) does not fit"),
    ("a(when=later)", "step a: when…async"),
    ("HttpCall(5)", "HttpCall: url is 5 (int): write an http or https URL"),
    ("HttpCall(None)", "HttpCall: url is None: write an http"),
    ("HttpCall('pay.example/charge')", "HttpCall…write an http or https URL"),
    ("HttpCall('https://pay.example:99999/')", "HttpCall…write an http or https URL"),
    ("HttpCall('https://[pay/')", "HttpCall…write an http or https URL"),
    ("HttpCall('https://pay.example/a\\nb')", "HttpCall…write an http or https URL"),
    ("HttpCall('https://pay.example', method='get')", "method is 'get' (str): write one of DEL"),
    ("HttpCall('https://pay.example', method=None)", "pay.example: method is None: write one of"),
    (
        "HttpCall('https://pay.example', body={'a': 1})",
        "pay.example: body is {'a': 1} (dict)",
    ),
    (
        "HttpCall('https://pay.example', body=one)",
        "pay.example: body is the function one…fit: it",
    ),
    (
        "HttpCall('https://pay.example', audience=True)",
        "pay.example: audience is True: write",
    ),
    (
        "HttpCall('https://pay.example/{id}')",
        "HttpCall: https://pay.example/{id}: nothing fills in {}: send the value in the body",
    ),
    # Policies.
    ("a(retry=0)", "step a: retry is 0 (int): write retry=RetryPolicy(attempts=5)"),
    ("a(retry=3)", "step a: retry is 3 (int): write retry=RetryPolicy(attempts=3)"),
    ("a(retry=False)", "step a: retry is False: write retry=RetryPolicy"),
    ("a(retry=RetryPolicy)", "step a: retry is the class RetryPolicy"),
    ("a(compensation_retry=None)", "step a: compensation_retry is None: write …RetryPolicy"),
    ("RetryPolicy(attempts=0)", "attempts is 0: an action runs at least once"),
    ("RetryPolicy(attempts=2.0)", "RetryPolicy: attempts is 2.0 (float): write an int"),
    ("RetryPolicy(attempts=True)", "RetryPolicy: attempts is True: write an int"),
    ("RetryPolicy(attempts=None)", "RetryPolicy: attempts is None: write an int"),
    ("RetryPolicy(first=1)", "RetryPolicy: first is 1 (int):…first=timedelta(seconds=1)"),
    ("RetryPolicy(cap=0.5)", "RetryPolicy: cap is 0.5 (float):…cap=timedelta(seconds=0.5)"),
    ("RetryPolicy(first=d(-1))", "RetryPolicy: first is…must not be negative"),
    ("RetryPolicy(first=d(1), cap=d(0))", "RetryPolicy: the cap…is shorter than the first"),
    ("RetryPolicy(cap=d.max)", "RetryPolicy: cap is…at most"),
    ("RetryPolicy(factor=0.5)", "RetryPolicy: factor is 0.5:…write at least 1"),
    ("RetryPolicy(factor=10**5000)", "RetryPolicy: factor is a very large int"),
    ("RetryPolicy(attempts=10**5000)", "RetryPolicy: attempts is a very large int…at most 1000"),
    ("RetryPolicy(factor='2')", "RetryPolicy: factor is '2' (str): write a number"),
    # The pivot.
    ("a(pivot='yes')", "step a: pivot is 'yes' (str): write True or False"),
    ("a(pivot=1)", "step a: pivot is 1 (int): write True or False"),
    ("saga(a(pivot=True), a('b', pivot=True))", "saga pay: more than one pivot (a, b)"),
    ("saga(a(pivot=True, compensate=act))", "saga pay: step a can be…remove compensate="),
    ("saga(a(pivot=True), a('b', compensate=act))", "saga pay: step b…only goes forward"),
    (
        "saga(child(of=saga(a(pivot=True), name='kid')), a())",
        "saga pay: c: the child saga kid has a pivot and cannot be rolled back",
    ),
    # The saga's own.
    ("saga(on_compensation_failure='stop')", "saga pay: …is 'stop' (str):…HALT or …CONTINUE"),
    ("saga(on_compensation_failure=True)", "saga pay: on_compensation_failure is True"),
    ("saga(on_compensation_failure=None)", "saga pay: on_compensation_failure is None"),
    ("saga(on_compensation_failure=[])", "saga pay: on_compensation_failure is []"),
    ("saga(version=0)", "saga pay: version is 0: versions count from 1"),
    ("saga(version=-1)", "saga pay: version is -1: versions count from 1"),
    ("saga(version=True)", "saga pay: version is True: write an int"),
    ("saga(version='1')", "saga pay: version is '1' (str): write an int"),
    ("saga(version=1.0)", "saga pay: version is 1.0 (float): write an int"),
    ("saga(version=10**20)", "saga pay: version is 1… at most"),
    # Names.
    ("saga(name=5)", "saga 5 (int): the name is 5 (int): write a str"),
    ("saga(name=None)", "saga None: the name is None: write a str"),
    ("saga(name='')", "saga '' (str):…a name has 1 to 100 letters"),
    ("saga(name='x' * 2000)", "a name has 1 to 100 letters"),
    ("saga(name='pay\\n')", "a name has 1 to 100 letters"),
    ("saga(name='a/b')", "saga 'a/b' (str):…a name has"),
    ("saga(name='a:b')", "saga 'a:b' (str):…a name has"),
    ("saga(name='pay ')", "does not end with a space"),
    ("saga(name=' pay')", "begins with a letter or a digit"),
    ("a(5)", "step 5 (int): the name is 5 (int): write a str"),
    ("a(act)", "step the function act: the name is the function act: write a str"),
    ("a('')", "step '' (str):…a name has 1 to 100"),
    ("a('x' * 2000)", "a name has 1 to 100 letters"),
    ("a('one\\ntwo')", "a name has 1 to 100 letters"),
    ("a('one\\n')", "a name has 1 to 100 letters"),
    ("a('one/two')", "step 'one/two' (str):…a name has"),
    ("a('one:two')", "step 'one:two' (str):…a name has"),
    ("a('ä')", "step 'ä' (str):…a name has"),
    ("saga(a(), a())", "saga pay: 2 steps have the same name, a"),
    ("saga(a(), Parallel(a('b'), Timer('a', after=d(1))))", "2 steps have the same name, a"),
    ("a(service=None)", "step a: service is None: write a str"),
    ("a(service=['bank'])", "step a: service is ['bank'] (list): write a str"),
    ("a(service='x' * 2000)", "step a: service is…at most 100 printable"),
    # Types.
    ("saga(payload=object())", "saga pay: payload is …object… cannot be decoded from JSON"),
    ("saga(payload=5)", "saga pay: payload is 5 (int), which cannot be decoded"),
    ("saga(payload={'n': int})", "saga pay: payload is…cannot be decoded"),
    ("saga(payload=First(a=1))", "saga pay: payload is…cannot be decoded"),
    ("saga(payload='First')", "saga pay: payload is the text 'First' (str):…without quotes"),
    ("saga(payload=Plain)", "saga pay: payload is the class Plain, but JSON cannot hold Plain"),
    ("saga(payload=Inside)", "saga pay: payload is the class Inside, but…Plain"),
    ("saga(payload=First | Second)", "saga pay: payload is…Struct types must be tagged"),
    ("saga(payload=Ahead)", "saga pay: payload is the class Ahead, …Missing… before the saga"),
    ("saga(payload=Annotated[str, Meta(ge=1)])", "saga pay: payload is…numeric type"),
    ("saga(payload=complex)", "saga pay: payload is the class complex, but JSON"),
    ("saga(payload=Raw)", "saga pay: payload is the class Raw, but JSON cannot hold Raw"),
    ("saga(payload=dict[tuple[int, int], int])", "saga pay:…keys are neither"),
    ("saga(payload=dict[bool, int])", "saga pay:…keys are neither"),
    ("Signal('s', payload=Plain)", "signal s: payload is the class Plain"),
    ("Signal('s', payload=object())", "signal s: payload is…cannot be decoded"),
    # Children.
    ("child(of='kid')", "child c: saga is 'kid' (str): write the Saga itself"),
    ("child(of=lambda: saga())", "child c: saga is …: write the Saga itself"),
    ("child(of=a())", "child c: saga is the Step a: write the Saga itself"),
    ("Child('c', saga=saga(), payload=None)", "child c: payload is None, not a function"),
    ("Child('c', saga=saga(), payload=dict)", "child c: payload is the class dict"),
    ("Child('c', saga=saga(), payload=one)", "child c: payload is…(payload, outputs) does not"),
    ("Child('c', saga=saga(), payload=later)", "child c: payload…async"),
    ("child(compensation_retry=5)", "child c: compensation_retry is 5 (int): write"),
    ("saga(child(of=saga()))", "saga pay: c: the child saga pay contains this saga"),
    ("saga(child(of=saga(child(of=saga()), name='kid')))", "saga pay: c:…contains this saga"),
    # Sizes.
    (
        "saga(*many(301))",
        "saga pay: it has 301 steps, and each delivery reads them all: the limit is 300. Move some "
        "of them into child sagas, and write a Child for each",
    ),
    ("nested(8)", "saga kid-8: its children's names add up to 832 characters"),
    # The table.
    ("Definitions(saga())", "Definitions(the Saga pay): write Definitions([A, B])"),
    ("Definitions(None)", "Definitions(None): write Definitions([A, B])"),
    (
        "Definitions(saga(), saga())",
        "Definitions(the Saga pay, the Saga pay): write Definitions([A, B])",
    ),
    ("Definitions()", "Definitions(): write Definitions([A, B])"),
    ("Definitions(saga=saga())", "Definitions(the Saga pay): write Definitions([A, B])"),
    ("Definitions([saga()], key=1)", "Definitions(a list of 1, with …: write Definitions([A, B])"),
    ("Definitions({'pay': saga()})", "Definitions(…(dict)): write Definitions([A, B])"),
    ("Definitions({saga(): 1})", "Definitions(…(dict)): write Definitions([A, B])"),
    ("Definitions(Definitions([saga()]))", "Definitions(…: write Definitions([A, B])"),
    ("Definitions(b'pay')", "Definitions(b'pay' (bytes)): write Definitions([A, B])"),
    ("Definitions([{saga()}])", "Definitions: entry 1 is a set: write *entry"),
    ("Definitions([Mock(spec=Saga)])", "Definitions: entry 1 is …: write the Saga itself"),
    ("Definitions([types])", "Definitions: entry 1 is the module types: write the Saga itself"),
    ("Definitions([saga(), [saga(name='b')]])", "Definitions: entry 2 is a list: write *entry"),
    ("Definitions(['pay'])", "Definitions: entry 1 is 'pay' (str): write the Saga itself"),
    ("Definitions([Saga])", "Definitions: entry 1 is the class Saga"),
    ("Definitions([saga(), saga(a('b'))])", "saga pay: version 1 is declared twice"),
    ("Definitions([saga()] * 2)", "Definitions: entry 2 is saga pay again: list it once"),
]


def test_there_are_many_wrong_declarations() -> None:
    assert len({code for code, _ in WRONG}) == len(WRONG) > 93


@pytest.mark.parametrize(("code", "words"), WRONG, ids=[code for code, _ in WRONG])
def test_a_wrong_declaration_is_refused(code: str, words: str) -> None:
    pattern = ".*".join(map(re.escape, words.split("…")))
    with pytest.raises(DeclarationError, match=pattern):
        eval(code, dict(SCOPE))


def test_all_faults_of_a_declaration_are_reported_together() -> None:
    with pytest.raises(DeclarationError, match="timeout is 30") as step:
        Step("b", execute=None, timeout=30, pivot=1)  # type: ignore[arg-type]
    assert len(step.value.faults) == 3
    with pytest.raises(DeclarationError, match="version is 0") as whole:
        saga(a(), a(), name="a/b", version=0, payload=5)
    assert len(whole.value.faults) == 4


def test_a_table_that_is_a_plain_list_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"DEFINITIONS = Definitions\(\[\.\.\.\]\)"):
        Engine([saga()], SagaRepository(None), None, None)  # type: ignore[arg-type]
