"""Settled timing in turns, for what Python measures by itself: a turn is 40 ms of a subject untimed and, without a pause,
60 ms of it timed; subjects take turns A B C, then C B A (docs/measurement.md). Knows no GPU: a clock is given."""

import math
import statistics

UNTIMED_MS, TIMED_MS = 40.0, 60.0


class Subject:
    """What is timed: `run()`, or `run(prepare())` with the preparation outside the clock: a forward before its backward."""

    def __init__(self, run, prepare=None):
        self.run, self.prepare = run, prepare
        self.samples_ms = []
        self.expected_ms = None

    def runs(self, clock, count):
        """Pairs of marks: one around all runs, or one around each where preparations lie between them."""
        if self.prepare is None:
            begin = clock.mark()
            for _ in range(count):
                self.run()
            return [(begin, clock.mark())]
        pairs = []
        for _ in range(count):
            prepared = self.prepare()
            begin = clock.mark()
            self.run(prepared)
            pairs.append((begin, clock.mark()))
        return pairs

    def mean_ms(self, clock, count):
        pairs = self.runs(clock, count)
        clock.wait()
        return sum(clock.ms(begin, end) for begin, end in pairs) / count

    def turn(self, clock):
        if self.expected_ms is None:
            self.runs(clock, 2)  # whatever only first runs do
            self.expected_ms = self.mean_ms(clock, 3)
        self.runs(clock, math.ceil(UNTIMED_MS / self.expected_ms))
        self.expected_ms = self.mean_ms(clock, max(2, math.ceil(TIMED_MS / self.expected_ms)))
        self.samples_ms.append(self.expected_ms)


def settle(subjects, clock, rounds):
    """Name -> median of as many turns as there are rounds."""
    for number in range(rounds):
        for name in list(subjects)[:: -1 if number % 2 else 1]:
            subjects[name].turn(clock)
    return {name: statistics.median(subject.samples_ms) for name, subject in subjects.items()}


def self_test():
    class Clock:
        """Time that passes only where a subject says so."""

        now, waits = 0.0, 0

        def mark(self):
            return self.now

        def ms(self, begin, end):
            return end - begin

        def wait(self):
            self.waits += 1

        def work(self, name, ms):
            self.now += ms
            journal.append(name)

    clock, journal = Clock(), []
    subjects = {"a": Subject(lambda: clock.work("a", 2.0)),
                "b": Subject(lambda _: clock.work("b", 8.0), lambda: clock.work("b's forward", 5.0))}
    assert settle(subjects, clock, 3) == {"a": 2.0, "b": 8.0}
    assert [name for name, before in zip(journal, [None, *journal]) if name == "a" != before] == ["a"] * 2, journal
    assert journal.count("a") == 2 + 3 + 3 * (20 + 30) and journal.count("b") == 2 + 3 + 3 * (5 + 8)
    assert journal.count("b") == journal.count("b's forward") and clock.waits == 2 + 2 * 3
    costs = iter([1.0] * 5 + [1.0] * 40 + [3.0] * 60)  # slower once it has settled
    drifting = {"a": Subject(lambda: clock.work("a", next(costs)))}
    assert settle(drifting, clock, 1) == {"a": 3.0} and not list(costs)
