from widgets.native import leave_cores


def test_half_of_the_cores_draw_and_one_always_does() -> None:
    for cores, threads in ((1, "1"), (2, "1"), (4, "2"), (9, "4")):
        environ: dict[str, str] = {}
        leave_cores(environ, cores)
        assert environ == {"LP_NUM_THREADS": threads}


def test_the_threads_that_the_user_set_stand() -> None:
    environ = {"LP_NUM_THREADS": "7"}
    leave_cores(environ, 2)
    assert environ == {"LP_NUM_THREADS": "7"}
