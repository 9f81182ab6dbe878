"""The daemons under a service manager: what systemd is told, and that a daemon that stands still falls silent."""

import os
import signal
import socket
import unittest

from service import Service

SECOND = 1_000_000


class Manager:
    """systemd's end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(60)
        self.environment = dict(os.environ, NOTIFY_SOCKET=str(path), WATCHDOG_USEC=str(SECOND // 2))

    def heard(self):
        return self.socket.recv(4096).decode()

    def until(self, text):
        heard = self.heard()
        while not heard.startswith(text):
            heard = self.heard()
        return heard

    def silent_for(self, seconds):
        self.socket.settimeout(seconds)
        try:
            return not self.heard()
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(60)

    def forget(self):
        while not self.silent_for(0.001):
            pass


class UnderAManager(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.__exit__)
        self.manager = Manager(self.service.home / "notify")
        self.addCleanup(self.manager.socket.close)

    def lives_stands_still_and_stops(self, process, status):
        self.assertEqual(self.manager.until("READY=1"), f"READY=1\nSTATUS={status}")
        for _ in range(3):
            self.manager.until("WATCHDOG=1")
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        self.manager.forget()
        self.assertTrue(self.manager.silent_for(0.5))
        process.send_signal(signal.SIGCONT)
        self.manager.until("WATCHDOG=1")
        process.terminate()
        self.manager.until("STOPPING=1")
        self.assertEqual(process.wait(), 0)

    def test_scheduler(self):
        self.service.start_scheduler(env=self.manager.environment)
        self.lives_stands_still_and_stops(self.service.scheduler, f"serving at {self.service.address}")

    def test_worker(self):
        self.service.start_scheduler()
        worker = self.service.start_worker("w1", env=self.manager.environment)
        self.lives_stands_still_and_stops(worker, f"cpu for {self.service.address}")


if __name__ == "__main__":
    unittest.main()
