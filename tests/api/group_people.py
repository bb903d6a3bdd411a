# SPDX-License-Identifier: MIT OR Apache-2.0
"""The people of the tests of groups, and how their invitations are carried."""

import e2ee

People = dict[str, e2ee.Account]


def make_people() -> People:
    """Alice, who has heard of Bob and Carol; Bob, who has heard of Carol; and Dave."""
    made = {
        name: e2ee.Account.create(e2ee.MemoryStore(), name)
        for name in ("alice", "bob", "carol", "dave")
    }
    for one, other in (("alice", "bob"), ("alice", "carol"), ("bob", "carol")):
        made[one].connect(other, made[other].bundle())
    return made


def carry(people: People, sender: str, group: e2ee.Group) -> list[str]:
    """Carries all invitations; whom they were for."""
    carried = []
    for member, invitation in group.invitations():
        message = people[member.user].decrypt(sender, invitation)
        assert (message.content, message.group) == ("invitation", group.id)
        carried.append(member.user)
    return carried
