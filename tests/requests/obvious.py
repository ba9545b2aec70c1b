"""Requests against replicas once more, slow and obvious: lists, looked through at every instant; no code is shared.

Time goes from one instant at which anything can happen to the next. A request is a dictionary; where it is, `at`, is
the number of a replica, "lobby" or None.
"""

import math


def play(replicas, requests, clients, settings, until_s):
    """(latency, outcome's name) of each request, and the most that was ever seen of a client's count going wrong: 0."""
    waits = [
        {"k": k, "arrival": a, "service": s, "client": c, "at": None, "finish": None, "outcome": "UNFINISHED",
         "latency": math.nan}
        for k, ((a, s), c) in enumerate(zip(requests, clients, strict=True))
    ]  # fmt: skip
    world = World(replicas, waits, settings)
    while (now := world.next_instant()) <= until_s and now < math.inf:
        world.live_through(now)
    return [(one["latency"], one["outcome"]) for one in waits]


class World:
    def __init__(self, replicas, requests, settings):
        self.replicas = [dict(ready=r, until=u, fate=f, is_ready=False, has_ended=False) for r, u, f in replicas]
        self.requests, self.settings, self.now = requests, settings, -math.inf
        self.queue = []  # all that are anywhere, in the order in which they came there
        self.sendings = []  # (client, replica)
        self.starts = []
        self.arrived = 0

    def served_at(self, number):
        return [one for one in self.queue if one["at"] == number and one["finish"] is not None]

    def next_instant(self):
        times = [one["arrival"] for one in self.requests[self.arrived :]]
        times += [one["finish"] for one in self.queue if one["finish"] is not None]
        times += [one["arrival"] + self.settings.timeout_s for one in self.queue]
        times += [r["ready"] for r in self.replicas if not r["is_ready"] and not r["has_ended"]]
        times += [r["until"] for r in self.replicas if r["fate"] != "KEPT" and not r["has_ended"]]
        return min(times, default=math.inf)

    def live_through(self, now):
        self.now = now
        while self.one_completion():
            pass
        for one in sorted(self.queue, key=lambda one: one["k"]):
            if one["arrival"] + self.settings.timeout_s == now:
                # what the freed slot begins with no service time is done at once, before the next time-out
                if one in self.queue:
                    self.remove(one)
                    self.conclude(one, "TIMED_OUT")
                    self.fill_slots()
                while self.one_completion():
                    pass
        self.get_ready()
        while self.one_completion():
            pass
        self.end_replicas()
        while self.one_completion():
            pass
        if self.arrived < len(self.requests) and self.requests[self.arrived]["arrival"] == now:
            self.arrived += 1
            self.send(self.requests[self.arrived - 1])

    def one_completion(self):
        due = [one for one in self.queue if one["finish"] == self.now]
        if due:
            one = min(due, key=self.starts_of)
            self.remove(one)
            one["outcome"] = "DONE"
            one["latency"] = min(self.now - one["arrival"], self.settings.timeout_s)
            self.fill_slots()
        return bool(due)

    def starts_of(self, one):
        return max(k for k, started in enumerate(self.starts) if started is one)

    def get_ready(self):
        for replica in self.replicas:
            if replica["ready"] == self.now and not replica["has_ended"]:
                replica["is_ready"] = True
        if any(replica["is_ready"] for replica in self.replicas):
            self.send_anew([one for one in self.queue if one["at"] == "lobby"])

    def end_replicas(self):
        ending = [
            k for k, r in enumerate(self.replicas)
            if r["fate"] != "KEPT" and r["until"] == self.now and not r["has_ended"]
        ]  # fmt: skip
        for number in ending:
            self.replicas[number].update(is_ready=False, has_ended=True)
        for number in ending:
            there = [one for one in self.queue if one["at"] == number]
            waiting = [one for one in there if one["finish"] is None]
            if self.replicas[number]["fate"] == "STOPPED" or self.settings.interrupted == "finish":
                self.send_anew(waiting)
            elif self.settings.interrupted == "retry":
                self.send_anew(there)
            else:
                for one in there:
                    self.remove(one)
                    self.conclude(one, "LOST")

    def send_anew(self, moved):
        for one in moved:
            self.remove(one)
            self.send(one)

    def remove(self, one):
        self.queue = [other for other in self.queue if other is not one]
        one.update(at=None, finish=None)

    def conclude(self, one, outcome):
        one.update(outcome=outcome, latency=self.settings.timeout_s)

    def send(self, one):
        ready = [k for k, replica in enumerate(self.replicas) if replica["is_ready"]]
        if ready:
            one["at"] = self.choice(one["client"], ready)
            self.sendings.append((one["client"], one["at"]))
        elif self.settings.without_replica == "fail":
            self.conclude(one, "NO_REPLICA")
            return
        else:
            one["at"] = "lobby"
        self.queue.append(one)
        self.fill_slots()

    def choice(self, client, ready):
        if self.settings.balancing == "round_robin":
            return ready[sum(who == client for who, _ in self.sendings) % len(ready)]

        def rank(number):
            load = sum(one["client"] == client and one["at"] == number for one in self.queue)
            last = [k for k, sending in enumerate(self.sendings) if sending == (client, number)]
            return load, last[-1] if last else -1

        return min(ready, key=rank)

    def fill_slots(self):
        for one in self.queue:
            number = one["at"]
            if number == "lobby" or one["finish"] is not None or not self.replicas[number]["is_ready"]:
                continue
            if len(self.served_at(number)) < self.settings.slots:
                one["finish"] = self.now + one["service"]
                self.starts.append(one)
