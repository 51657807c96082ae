// Does with Google's Node client what an application does, and prints what it saw as JSON.
// DATASTORE_EMULATOR_HOST says where; the kinds are this script's own.

import { Datastore, PropertyFilter } from "@google-cloud/datastore";

const store = new Datastore({ projectId: "node-client" });
const BOOKS = [
  ["a", "Lem", 1961],
  ["b", "Lem", 1968],
  ["c", "Lem", 1971],
  ["d", "Le Guin", 1969],
];

async function putAndGet() {
  const key = store.key(["Shelf", "s1", "Thing", 7]);
  const data = {
    text: "żółć",
    whole: 42,
    real: store.double(2.5),
    yes: true,
    none: null,
    list: [1, "two"],
    nested: { deep: { er: 1 } },
    when: new Date("2026-01-02T03:04:05.678Z"),
    bytes: Buffer.from([0, 255]),
    link: key,
  };
  await store.save({ key, data });
  const [got] = await store.get(key);
  const [missing] = await store.get(store.key(["Thing", "nowhere"]));
  return {
    ...got,
    bytes: [...got.bytes],
    link: got.link.path,
    missing: missing === undefined,
    keptItsKey: got[store.KEY].path,
  };
}

async function query() {
  const entities = BOOKS.map(([name, author, year]) => ({
    key: store.key(["Book", name]),
    data: { author, year },
  }));
  await store.save(entities);
  const [found] = await store.runQuery(byLem());
  return found.map((book) => book.year);
}

function byLem() {
  return store
    .createQuery("Book")
    .filter(new PropertyFilter("author", "=", "Lem"))
    .order("year", { descending: true });
}

async function pages() {
  const seen = [];
  let cursor;
  for (;;) {
    const page = byLem().limit(2);
    const [books, info] = await store.runQuery(cursor ? page.start(cursor) : page);
    seen.push(books.map((book) => book.year));
    if (info.moreResults === store.NO_MORE_RESULTS) return seen;
    cursor = info.endCursor;
  }
}

async function count() {
  const aggregation = store.createAggregationQuery(byLem()).count("total").sum("year", "years");
  const [[totals]] = await store.runAggregationQuery(aggregation);
  return totals;
}

async function allocate() {
  const [keys] = await store.allocateIds(store.key("Ticket"), 3);
  const ids = keys.map((key) => key.id);
  const entity = { key: store.key("Ticket"), data: {} };
  await store.insert(entity);
  return { distinct: new Set([...ids, entity.key.id]).size, whole: ids.every((id) => /^\d+$/.test(id)) };
}

async function conflict() {
  const key = store.key(["Counter", "one"]);
  await store.save({ key, data: { n: 0 } });
  const [first, second] = [store.transaction(), store.transaction()];
  for (const each of [first, second]) await each.run();
  for (const each of [first, second]) {
    const [counter] = await each.get(key);
    each.save({ key, data: { n: counter.n + 1 } });
  }
  const ends = await Promise.allSettled([first.commit(), second.commit()]);
  const [counter] = await store.get(key);
  const refused = ends.filter((end) => end.status === "rejected");
  return { n: counter.n, refused: refused.map((end) => end.reason.code) };
}

async function refusals() {
  const key = store.key(["Thing", "twice"]);
  await store.insert({ key, data: {} });
  const again = await Promise.allSettled([store.insert({ key, data: {} })]);
  const unindexed = store.createQuery("Book").filter(new PropertyFilter("year", "=", 1961)).order("author");
  const unplanned = await Promise.allSettled([store.runQuery(unindexed)]);
  return [...again, ...unplanned].map((end) => end.reason.code);
}

async function owners() {
  const owner = store.key(["Person", "amy"]);
  await store.save({ key: store.key(["Car", "node"]), data: { owner, seats: [{ owner }] } });
  const owned = store.createQuery("Car").filter(new PropertyFilter("owner", "=", owner));
  const [found] = await store.runQuery(owned);
  return found.map((car) => car[store.KEY].name);
}

const told = {};
for (const step of [putAndGet, query, pages, count, allocate, conflict, refusals, owners]) {
  told[step.name] = await step();
}
console.log(JSON.stringify(told));
