"""The seconds that evidence may rely on, whatever was done to the clock, in one process and over many."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.records.timeline import AccountTimeline, Pause
from reconcile.elapsed_clock import ElapsedClock


@dataclass
class ProcessHost:
    """A machine with a clock that can be set, on which processes send flights of one account, one process at a time."""

    time: float = 0.0
    offset: float = 0.0
    timeline: AccountTimeline = field(default_factory=AccountTimeline)
    drawn_at: float | None = None

    def __post_init__(self) -> None:
        """Start the first process."""
        self.restart()

    def restart(self) -> None:
        """End the process, and start another one."""
        started = self.time
        self.clock = ElapsedClock(lambda: 10 * started + self.time)

    def send(self) -> float:
        """Send a flight. Return its point of the timeline."""
        now = self.time + self.offset
        pause = 0.0 if self.drawn_at is None else now - self.drawn_at
        self.timeline, self.drawn_at = self.clock.advance("lab")(self.timeline, pause), now
        self.clock.record("lab", self.timeline)
        return self.timeline.elapsed


def test_a_clock_that_is_set_in_a_process_changes_nothing() -> None:
    """Ten seconds stay ten seconds if the clock jumps by an hour between two flights, forwards or backwards."""
    machine = ProcessHost()
    start = machine.send()
    for step in (3600, -7200):
        machine.time, machine.offset = machine.time + 10, machine.offset + step
        machine.send()
    assert 20 == machine.timeline.since(start)


def test_of_the_pauses_between_processes_the_longest_does_not_count() -> None:
    """However far the clock was set in it: two runs prove nothing, with three one true pause counts."""
    machine = ProcessHost()
    start = machine.send()
    for pause, step, expected in ((5, 10**8, 0), (60, 0, 60), (60, 0, 120), (60, -(10**8), 120)):
        machine.restart()
        machine.time, machine.offset = machine.time + pause, machine.offset + step
        machine.send()
        assert expected == machine.timeline.since(start)


EVENTS = st.lists(
    st.tuples(st.floats(0, 1000), st.booleans(), st.sampled_from([0.0, 0.0, 0.0, -500.0, 100.0, 10_000.0])), max_size=12
)


@given(events=EVENTS, paused_step=st.integers(0, 11))
def test_never_more_seconds_count_than_passed(events: list[tuple[float, bool, float]], paused_step: int) -> None:
    """If the clock is set any number of times in processes, and once between two of them.

    Without any step between processes, everything counts but the longest pause.
    """
    machine, paused = ProcessHost(), 0
    sent = [(machine.time, machine.send())]
    for seconds, restarts, step in events:
        paused += restarts
        machine.time += seconds
        if restarts:
            machine.restart()
            machine.offset += step if paused == paused_step else 0
        else:
            machine.offset += step
            machine.send()
        sent.append((machine.time, machine.send()))
        for time, point in sent:
            assert machine.timeline.since(point) <= machine.time - time + 1e-6


@given(pauses=st.lists(st.floats(1, 100), max_size=80))
def test_only_the_pauses_that_matter_are_stored(pauses: list[float]) -> None:
    """Every span is as long as its pauses without the longest; where pauses were merged, it may be shorter."""
    timeline, starts = AccountTimeline(), [0.0]
    for pause in pauses:
        timeline = timeline.add_pause(pause)
        starts.append(timeline.elapsed)
    for index, start in enumerate(starts):
        rest = pauses[index:]
        assert abs(timeline.since(start) - (sum(rest) - max(rest, default=0))) < 1e-6


def test_the_number_of_pauses_is_bounded() -> None:
    """Pauses that each are shorter than the one before are merged, and no span gets longer by that."""
    timeline, pauses = AccountTimeline(), [float(200 - number) for number in range(100)]
    starts = []
    for pause in pauses:
        starts.append(timeline.elapsed)
        timeline = timeline.add_pause(pause)
    assert 50 == len(timeline.pauses)
    assert Pause(starts[-1], pauses[-1]) == timeline.pauses[-1]
    for index, start in enumerate(starts):
        assert timeline.since(start) <= sum(pauses[index:]) - pauses[index] + 1e-6


@pytest.mark.parametrize("seconds", [0.0, -3600.0])
def test_a_clock_that_was_set_back_adds_no_pause(seconds: float) -> None:
    """The timeline never moves back."""
    assert AccountTimeline(7.0) == AccountTimeline(7.0).add_pause(seconds) == AccountTimeline(7.0).advance_to(5.0)


def test_a_process_goes_on_with_its_own_time_next_to_another() -> None:
    """A pause that the other process could not measure does not stop the timeline of this one."""
    machine, other = ProcessHost(), ElapsedClock(lambda: machine.time)
    start = machine.send()
    machine.time = 100
    machine.timeline = other.advance("lab")(machine.timeline, 10_000)
    machine.send()
    machine.time = 160
    machine.send()
    assert 60 == machine.timeline.since(start)
