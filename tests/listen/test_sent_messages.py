"""Where a connection to a broker has to begin, by what the one before it sent and when it was acknowledged."""

from asd_edge.listen.sent_messages import RESEND_SECONDS, SentMessages


def sent_from(begin: int, end: int, ever_acknowledged: int = 0, now: float = 0.0) -> SentMessages:
    """Messages `begin` to `end` are under way, each by its own number."""
    sent = SentMessages(begin - 1, ever_acknowledged, now)
    for number in range(begin, end + 1):
        sent.add(number, number)
    return sent


def test_without_an_acknowledgement_all_is_sent_again() -> None:
    sent = sent_from(5, 9, ever_acknowledged=4)
    assert (sent.last, sent.acknowledged, sent.settled) == (9, 4, 4)


def test_what_was_acknowledged_out_of_order_waits_for_those_before_it() -> None:
    sent = sent_from(1, 4)
    for mid, expected in ((2, 0), (1, 2), (4, 2), (3, 4)):
        sent.acknowledge(mid, 0.0)
        assert sent.acknowledged == expected


def test_all_that_was_acknowledged_in_the_last_ten_seconds_is_sent_again() -> None:
    """A message a tenth of a second: from 100 to 101 of them, however many machines there are."""
    sent = SentMessages(0, 0, 0.0)
    for number in range(1, 1001):
        sent.add(number, number)
        sent.acknowledge(number, number / 10)
        n_again = sent.acknowledged - sent.settled
        assert min(number, 10 * RESEND_SECONDS) <= n_again <= 10 * (RESEND_SECONDS + 1)


def test_no_message_is_sent_again_because_of_two_connections() -> None:
    """Each breaks off after three acknowledgements, and still all get through."""
    settled = ever_acknowledged = n_connections = 0
    while settled < 30:
        sent = sent_from(settled + 1, settled + 5, ever_acknowledged)
        for mid in range(settled + 1, settled + 4):
            sent.acknowledge(mid, 1.0)
        ever_acknowledged = max(ever_acknowledged, sent.acknowledged)
        settled, n_connections = sent.settled, n_connections + 1
    assert n_connections == 20


def test_what_was_sent_again_and_not_acknowledged_this_time_stays_to_be_sent() -> None:
    sent = sent_from(1, 8, ever_acknowledged=8)
    sent.acknowledge(1, 1.0)
    assert sent.settled == 1
