"""Recorded calls of main lines and departments, which no contact center answers: `WorldSpec.other_lines` of each in every office."""

from typing import TYPE_CHECKING

from .model import Call, Department, Office

if TYPE_CHECKING:
    from .world import Maker


def calls(maker: "Maker", each: int) -> list[Call]:
    """Return the legs of `each` calls of every office's main line and of a department of that office, spread over the world's days. They
    come in addition to the world's other recordings."""
    made: list[Call] = []
    for office in maker.company.offices:
        department = Department(maker.new_id(), f"{office.name} Reception", office, office.phone)
        for line in (office, department) if each else ():
            for number in range(each):
                made += _conversation(maker, line, office, number, each)
    return made


def _conversation(maker: "Maker", line: Office | Department, office: Office, number: int, each: int) -> list[Call]:
    span_ms = maker.spec.days * 86_400_000
    start = maker.spec.now_ms - span_ms * (2 * number + 1) // (2 * each)
    agents = [user for user in maker.company.users if user.team is None]  # a trainee's leg is of a team
    agent = agents[number % len(agents)]
    ended = start + 65_000
    group_id, agent_id = maker.new_id(), maker.new_id()
    group = Call(group_id, maker._serial, start, start + 5_000, ended, "inbound", line, "group", office, None, agent)
    leg = Call(agent_id, maker._serial, start + 1_000, start + 5_150, ended + 400, "inbound", agent, "agent", office, None, agent)
    group.partner, leg.partner = leg, group
    maker.add(group if number % 2 else leg, "callrecording", start + 5_000, 60_000)
    return [group, leg]
