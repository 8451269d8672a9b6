"""Ports are chosen so that nobody gets another one's, and held until they are needed."""

from __future__ import annotations

import os
import socket

import pytest

from tarmac.base.errors import TarmacError
from tarmac.plan.ports import PortNeed
from tarmac.run.local.host.gather import ANY_COUNT, ANY_FROM, choose_ports
from tarmac.run.local.host.sockets import Reservations, is_free, is_held_by


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_the_preferred_port_wins_over_last_times(taken):
    free = taken + 1 if is_free(taken + 1) else taken + 2
    need = PortNeed("services/web/http", free)
    assert choose_ports([need], {need.key: free + 5}) == {need.key: free}


def test_a_taken_port_gives_way_to_last_times_then_to_the_next(taken):
    need = PortNeed("services/web/http", taken)
    last = choose_ports([PortNeed("x", None)], {})["x"]
    assert choose_ports([need], {need.key: last}) == {need.key: last}
    assert taken < choose_ports([need], {})[need.key] < taken + 200


def test_a_port_that_another_prefers_is_never_given_away(taken):
    first, second = PortNeed("a", taken), PortNeed("b", taken + 1)
    chosen = choose_ports([first, second], {})
    assert chosen["b"] == taken + 1 or not is_free(taken + 1)
    assert chosen["a"] not in (taken, chosen["b"])


def test_ports_without_a_preference_are_below_those_of_outgoing_connections():
    needs = [PortNeed(f"stores/{number}/main", None) for number in range(50)]
    chosen = choose_ports(needs, {}, salt="/here")
    assert len(set(chosen.values())) == 50
    assert all(ANY_FROM <= port < ANY_FROM + ANY_COUNT for port in chosen.values())
    assert choose_ports(needs, {}, salt="/here") == chosen


def test_a_running_ones_port_stays_though_it_is_taken(taken):
    need = PortNeed("a", 1)
    assert choose_ports([need], {"a": taken + 1}, held={"a": taken}) == {"a": taken}


@pytest.mark.parametrize(("strict", "fixed"), [(True, False), (False, True)])
def test_a_port_that_may_not_move_is_an_error(taken, strict, fixed):
    need = PortNeed("services/web/http", taken, fixed)
    with pytest.raises(
        TarmacError,
        match=rf"^web: port {taken} is taken by pid {os.getpid()} \(.*\); stop that program",
    ):
        choose_ports([need], {}, strict=strict)


def test_where_a_fixed_port_is_taken_the_rest_starts_without_that_service(taken):
    need = PortNeed("services/web/http", taken, fixed=True)
    with pytest.raises(
        TarmacError, match="or start the rest: --without web, which has `listen: fixed`"
    ):
        choose_ports([need], {})
    lent = PortNeed("services/web/http", taken, fixed=True, lent=True)
    assert choose_ports([lent], {}) == {need.key: taken}


def test_a_held_port_refuses_connections_and_everybody_else():
    ports = Reservations()
    port = choose_ports([PortNeed("x", None)], {})["x"]
    assert ports.take(port)
    assert not is_free(port)
    assert not Reservations().take(port)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    ports.release([port])
    assert is_free(port)


def test_who_listens_is_known(taken):
    assert is_held_by(taken, [os.getpid()])
    assert not is_held_by(taken, [1])


def test_a_port_to_which_localhost_would_lead_another_way_is_not_free():
    with socket.socket(socket.AF_INET6) as other:
        try:
            other.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        other.listen()
        port = other.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)
