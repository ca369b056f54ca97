"""Who of a group gets the next item (F073)."""

from __future__ import annotations

from engine.model.plan import SetField

NEXT = (("assigned_to", "turn:Staff"),)


def assigned(desk, *effects, fields=NEXT, **more):
    receipt = desk.item("Printer", *effects, fields=fields, content=str(desk.later(minutes=1)).encode(), **more)
    return desk.store.items.view(receipt.item).item.assigned_to


def test_F073_the_people_of_a_group_take_turns(desk):
    desk.store.directory.put_account("carl", emails=["carl@example.com"], groups=["staff"])
    assert [assigned(desk) for _ in range(4)] == ["anna", "bob", "carl", "anna"]


def test_F073_nobody_who_is_locked_gets_a_turn(desk):
    assert assigned(desk) == "anna"
    desk.store.directory.put_account("bob", status="locked")
    assert [assigned(desk), assigned(desk)] == ["anna", "anna"]
    desk.store.directory.put_account("anna", status="locked")
    assert assigned(desk) == "group:Staff", "the group has it where nobody of it is there"


def test_F073_who_has_the_item_keeps_it(desk):
    receipt = desk.item("Printer", SetField(0, "assigned_to", "turn:Staff"), fields=(("assigned_to", "bob"),))
    assert desk.store.items.view(receipt.item).item.assigned_to == "bob"
    assert assigned(desk) == "anna", "it was no turn"


def test_F073_an_item_goes_from_outside_the_group_to_whose_turn_it_is(desk):
    assert assigned(desk, SetField(0, "assigned_to", "turn:Staff"), fields=(("assigned_to", "jane"),)) == "anna"


def test_F073_what_is_tried_out_takes_no_turn(desk):
    with desk.store.rehearsal():
        assert assigned(desk) == "anna"
    assert assigned(desk) == "anna"
