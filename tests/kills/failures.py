"""Failures: what can go wrong, what happens then, and which tests show it. For docs/RELIABILITY.md."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """One thing that goes wrong."""

    what: str
    then: str
    #: As pytest names them, below tests/.
    tests: tuple[str, ...]


_KILLS = "acceptance/test_kills.py::test_every_process_killed"
_FAULTS = "acceptance/test_faults.py"
_SPOOL = "storage/test_spool_faults.py"
_REPLAY = "storage/test_spool_replay.py"

FAILURES = (
    Failure(
        "A worker is killed",
        "Connections it had break; the others go on. Another worker takes its post at once. What it had recorded is "
        "in its segment, and the drainer reads that to its end.",
        (_KILLS, "cli/test_supervisor.py::test_who_dies_is_started_again"),
    ),
    Failure(
        "A worker hangs",
        "It has not reported for 30 seconds: the supervisor kills and replaces it.",
        ("cli/test_misbehaviour.py::test_who_hangs_is_replaced",),
    ),
    Failure(
        "The drainer is killed",
        "Redirects do not notice. The next drainer goes on where the last commit stands: a transaction that was not "
        "committed has counted nothing.",
        (_KILLS, "storage/test_drainer.py::test_a_new_drainer_goes_on_where_the_last_one_stopped"),
    ),
    Failure(
        "The supervisor is killed",
        "Its children die with it within two seconds, so that a new server finds the port and the spool free.",
        (_KILLS, "cli/test_supervisor.py::test_nothing_outlives_the_supervisor"),
    ),
    Failure(
        "All of them are killed at once",
        "The next start reads what they have left.",
        (_KILLS, "acceptance/test_real_input.py::test_a_second_start_still_has_the_link_and_its_clicks"),
    ),
    Failure(
        "SIGTERM under load",
        "Requests in flight are answered, then the clicks are drained; exit code 0.",
        (
            "acceptance/test_connections.py::test_the_end_under_load",
            "cli/test_supervisor.py::test_clicks_are_drained_to_the_last_before_the_end",
        ),
    ),
    Failure(
        "A segment ends in half a click, or a bit of it has flipped",
        "Exactly the whole clicks before it are counted. The rest is set aside in a file beside it, counted by a "
        "metric and logged.",
        (f"{_SPOOL}::TestDamage::test_exactly_the_valid_prefix",),
    ),
    Failure(
        "The disk is full, or the spool has reached its bound",
        "Redirects go on. New clicks are dropped, which `/metrics` counts and `/readyz` says; as soon as there is "
        "room, they are recorded again.",
        (
            f"{_FAULTS}::TestSpool::test_a_disk_that_takes_no_more",
            f"{_FAULTS}::TestSpool::test_a_spool_that_is_full",
            "unit/clicks/test_spool.py::TestFaults::test_a_full_disk",
        ),
    ),
    Failure(
        "The spool's folder is removed or cannot be written",
        "Redirects go on. The folder is made again within a second; what was in it is still read by the drainer, "
        "which has it open. Clicks in between are dropped and counted as such.",
        (
            f"{_FAULTS}::TestSpool::test_a_folder_that_is_gone",
            f"{_FAULTS}::TestSpool::test_a_folder_that_cannot_be_written",
            f"{_SPOOL}::TestTheFolder::test_what_is_open_is_drained_although_its_name_is_gone",
        ),
    ),
    Failure(
        "SQLite is locked by somebody else",
        "Links that are known go on redirecting, clicks wait in the spool. Creating and editing waits five seconds, "
        "then answers 503.",
        (
            f"{_FAULTS}::TestSQLite::test_for_longer_than_anybody_waits",
            f"{_FAULTS}::TestSQLite::test_outright",
            f"{_SPOOL}::TestTheDatabase::test_a_locked_database",
        ),
    ),
    Failure(
        "PostgreSQL is restarted, gone or silent",
        "Links that a worker has cached go on redirecting; others answer 503 with `Retry-After`. Clicks wait in the "
        "spool, and each is counted once even where the answer to a commit was lost.",
        (
            "acceptance/test_kills.py::test_postgresql_restarted",
            f"{_FAULTS}::TestPostgreSQL::test_stopped_and_started",
            f"{_FAULTS}::TestPostgreSQL::test_frozen",
            f"{_SPOOL}::TestTheDatabase::test_a_commit_whose_answer_is_lost",
        ),
    ),
    Failure(
        "The database is restored from a backup",
        "Clicks that it lacks are counted again from segments of the last 24 hours, those that it has are not.",
        (
            f"{_REPLAY}::TestRestored::test_a_restored_database_reads_what_it_lacks",
            f"{_REPLAY}::TestRestored::test_one_that_is_restored_under_a_running_drainer",
            "storage/test_lookup.py::TestFollowing::test_after_a_restore_nothing_is_known",
        ),
    ),
    Failure(
        "A data directory is copied, or holds another database's clicks",
        "A copied segment counts once for each database. Another database's are left where they are, told once and "
        "shown by a metric, until their own is back.",
        (
            f"{_REPLAY}::TestCopies::test_a_copied_data_directory",
            f"{_REPLAY}::TestForeign::test_it_is_left_alone_until_its_own_database_is_back",
        ),
    ),
    Failure(
        "Two drainers work on one spool",
        "One is elected. Where the lock does not hold, marks do: nothing is counted twice.",
        (
            f"{_SPOOL}::TestWriters::test_two_drainers_beside_a_writer",
            "storage/test_drainer.py::test_two_drainers_double_nothing",
        ),
    ),
    Failure(
        "The clock is wrong",
        "A click is dated no earlier than its link and no later than five minutes from now. What has to do with "
        "waiting uses a clock that cannot be set.",
        ("storage/test_drainer.py::TestClocks::test_a_clock_that_is_wrong_is_corrected",),
    ),
    Failure(
        "A flood of unknown codes",
        "Memory stays bounded, known links stay in the cache, and of the unknown ones only a few a second take room "
        "in the spool; the others are a number.",
        (
            "acceptance/test_unknown_codes.py::test_many_unknown_codes",
            "acceptance/test_unknown_codes.py::test_a_scan_of_a_server",
        ),
    ),
    Failure(
        "Slow clients, and clients that never read",
        "A request whose head is not whole within ten seconds is closed; one whose body brings less than 1 KiB a "
        "second for ten seconds gets 408. A worker receives 1,024 bodies at once, 64 of one address; beyond that it "
        "answers 503 and 429. Who does not read is not read from. Good visitors do not notice them.",
        (
            "acceptance/test_connections.py::test_hundreds_that_trickle",
            "acceptance/test_connections.py::test_who_never_reads_costs_no_memory",
            "acceptance/test_wire.py::test_a_body_that_never_comes",
        ),
    ),
)
