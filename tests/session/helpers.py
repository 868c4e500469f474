from explorer.session import Frame, Session

WAIT_S = 60


def settled(session: Session) -> Frame:
    assert session.wait(WAIT_S)
    frame = session.newest_frame()
    assert frame is not None
    return frame


def texts(session: Session) -> list[str]:
    return [f"{message.level}: {message.text}" for message in session.messages()]
