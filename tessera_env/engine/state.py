"""The engine's state: one record type an entity, one field a line. Every table's leading axis is the environment."""

import math
from typing import NamedTuple

import numpy as np

from tessera_env.world.demand.build import demand_length
from tessera_env.world.demand.timeline import DEMAND_POINT
from tessera_env.world.market.build import timeline_length
from tessera_env.world.market.timeline import MARKET_POINT
from tessera_env.world.parameters import NONE, UNLIMITED, Parameters, new_table
from tessera_env.world.random_stream import WORLD

TASK = np.dtype(
    [
        # what others' observations look at: in one line of the processor's cache
        ("work_s", np.float64),  # drawn with the world
        ("progress_s", np.float64),  # work done and saved, as of the last stop
        ("latest_s", np.float64),  # when its work would have to go on-demand, as of the last stop; inf: no deadline
        ("ready_s", np.float64),  # work goes on from here, while PLACED
        ("instance", np.int64),  # row of the instance it is on; NONE
        ("interactive", np.int64),  # 1: INTERACTIVE, 0: BATCH; drawn with the world, like the next
        ("arrival_s", np.float64),
        ("deadline_s", np.float64),  # inf: none
        ("gpu_memory_mb", np.float64),
        ("state_base_mb", np.float64),
        ("state_growth_mb_per_s", np.float64),  # per second of work done
        ("state_cap_mb", np.float64),
        ("on_demand_price", np.float64),  # $/h, the least of a pool that it fits; it follows from what is drawn
        ("fallback_changeover_s", np.float64),  # likewise: the shortest way onto on-demand, with all its state
        # changed by the engine
        ("status", np.int64),  # TaskStatus
        ("placement", np.int64),  # 0 none, 1 + p SPOT, 1 + P + p ON_DEMAND; of a REQUESTED task: its request
        ("interruptions", np.int64),
        ("ask_generation", np.int64),  # the pending ask; others are stale
        ("run_generation", np.int64),  # the pending completion; others are stale
        ("ask_reason", np.int64),  # AskReason of the pending ask
        ("launch_failed", np.int32),  # 1: its last request found no capacity
        ("moving", np.int32),  # 1: to its next instance, of its own will
        ("next_instance", np.int64),  # row of the instance that is prepared for it while it works on another; NONE
        ("prepared_s", np.float64),  # since when
        ("handover_generation", np.int64),  # the pending handover; others are stale
        ("ask_s", np.float64),  # when the pending ask is due
        ("stop_s", np.float64),  # when it has to leave its noticed instance; inf: it has no such
        ("left_spot_s", np.float64),  # when it last gave up a spot instance of its own will
        ("placed_s", np.float64),  # when it came to its instance
        ("waiting_since_s", np.float64),
        ("down_since_s", np.float64),  # INTERACTIVE: downtime is accounted up to here
        ("completion_s", np.float64),  # inf: not done
        # its account: each billed second is charged to one task
        ("setup_usd", np.float64),  # before its work runs on an instance
        ("running_usd", np.float64),
        ("idle_usd", np.float64),  # after it has left an instance, until another comes or the instance ends
        ("penalty_usd", np.float64),
        ("spot_s", np.float64),  # billed
        ("on_demand_s", np.float64),
        ("lost_s", np.float64),  # work
        # of a seat
        ("service", np.int64),  # row of the service that it is of; NONE: a job
        ("setup_s", np.float64),  # of its replica on an instance, beyond the pool's; 0 for jobs
        ("asked_s", np.float64),  # when its launch was asked for
        ("order", np.int64),  # how many of the service's launches came before its own
        ("asked_round", np.int64),  # the service's round in which it was last asked
        ("is_ready", np.int64),
        ("predecessor", np.int64),  # the seat that stops when this one is ready; NONE
        ("successor", np.int64),  # the seat whose predecessor it is; NONE
    ],
    align=True,
)

INSTANCE = np.dtype(
    [
        ("status", np.int64),  # InstanceStatus
        ("task", np.int64),  # row of the task on it, or that it is prepared for; NONE: idle; FOR_DISPLACED
        ("on_demand", np.int64),  # of the offer
        ("billing_start_s", np.float64),  # provisioning ends, set-up begins
        ("setup_done_s", np.float64),
        ("end_s", np.float64),  # when the cloud takes it; before its notice nobody knows; inf: never
        ("start_integral", np.float64),  # the pool's price integral at billing_start_s; on-demand: dollars likewise
        ("launch", np.int64),  # number of the launch in this episode
        ("offer", np.int64),  # what was bought
        ("pool", np.int64),  # of the offer
        ("payer", np.int64),  # row of the task that is charged what it costs; NONE: nobody yet
        ("charged_s", np.float64),  # what is billed up to here has been charged to tasks
        ("charged_integral", np.float64),  # like start_integral, at charged_s
        ("ready_integral", np.float64),  # likewise, when the task's work begins
        ("lifetime_notice", np.int64),  # 1: noticed because its lifetime ends
        ("billing", np.int64),  # 1: billing has started
        ("generation", np.int64),  # grows with each use of the table's row; older events are stale
        ("idle_generation", np.int64),  # the pending idle time-out; others are stale
        ("next_free", np.int64),  # next unused row
    ],
    align=True,
)

POOL = np.dtype(
    [
        ("setup_s", np.float64),  # drawn with the world
        ("point_count", np.int64),  # points of its timeline
        ("cursor", np.int64),  # the point that holds now
        ("capacity_point", np.int64),  # the point whose capacity holds; later ones have not been announced
        ("held", np.int64),  # spot instances without notice
        ("leaving", np.int64),  # spot instances whose lifetime's end was announced
        ("interruptions", np.int64),
        # what can be learned from its history of being up (capacity > 0) or down
        ("changed_s", np.float64),  # when it last went up or down
        ("available_1h", np.float64),  # exponential averages of being up, as of changed_s
        ("available_4h", np.float64),
        ("available_12h", np.float64),
        ("up_s", np.float64),  # total time up, as of changed_s
        ("up_square_s2", np.float64),  # sum of the squared lengths of ended up-spells
        ("up_spells", np.int64),  # ended spells
        ("down_spells", np.int64),
    ],
    align=True,
)

# What can be bought: row p is SPOT in pool p, row P + p is ON_DEMAND there; placement 1 + row is on such an instance.
OFFER = np.dtype(
    [
        ("pool", np.int64),
        ("on_demand", np.int64),  # 1: ON_DEMAND, 0: SPOT
        ("tries", np.int64),  # launches that were tried so far; a spot launch without capacity is none
        ("placed", np.int64),  # tasks on its instances
        ("idle", np.int64),  # instances without a task
        ("claimed", np.int64),  # idle instances that displaced tasks count on
        # of what is billed now: dollars accrued = billing x integral now - sum of the integrals at their starts
        ("billing", np.int64),  # instances
        ("starts", np.float64),
    ],
    align=True,
)

# What a service has, and what it was since the episode's start.
SERVICE = np.dtype(
    [
        ("target", np.int64),  # replicas that are to be ready now
        ("requests_per_s", np.float64),  # demand now
        ("demand_point", np.int64),  # that holds now
        ("demand_count", np.int64),  # points of its timeline
        ("held_spot", np.int64),  # seats launched, set up or ready, without those that are leaving
        ("held_on_demand", np.int64),
        ("ready_spot", np.int64),
        ("ready_on_demand", np.int64),
        ("ready_leaving", np.int64),  # of those on spot, what was given notice
        # looks
        ("rounds", np.int64),  # how many there were
        ("rounds_ready", np.int64),  # those that found the target ready
        ("looked_s", np.float64),  # the last one
        ("event_look_s", np.float64),  # the last one because of an event
        ("changed", np.int64),  # 1: something has happened since the last look
        ("acted", np.int64),  # 1: this round has launched or stopped something
        ("quiet", np.int64),  # looks in a row in which nothing was done or noticed
        ("claimed_spot", np.int64),  # seats kept, or asked for, in this round
        ("claimed_on_demand", np.int64),
        ("orders", np.int64),  # launches so far, tried or not
        ("attempts", np.int64),  # of spot
        ("deficit_s", np.float64),  # the last look at which spot was short of what is wanted
        ("deficit_on_demand", np.int64),  # on-demand replicas asked for then
        # accounts
        ("accounted_s", np.float64),  # up to here
        ("served_target_s", np.float64),  # replica-seconds of the target, from the episode's start on
        ("scored_s", np.float64),  # from score_from_s on, here and below
        ("target_s", np.float64),
        ("below_s", np.float64),  # fewer ready than the target
        ("some_ready_s", np.float64),
        ("ready_s", np.float64),  # replica-seconds
        ("ready_least", np.int64),
        ("outages", np.int64),
        ("outage_s", np.float64),  # how long the present one has lasted
        ("longest_outage_s", np.float64),
        ("penalty_usd", np.float64),
        ("usd_before", np.float64),  # dollars up to score_from_s
        ("spot_s_before", np.float64),  # likewise billed seconds
        ("on_demand_s_before", np.float64),
        ("preemptions", np.int64),  # from the episode's start, here and below
        ("spot_launches", np.int64),
        ("on_demand_launches", np.int64),
        ("failed_launches", np.int64),
        ("stops", np.int64),
        # requests
        ("backlog", np.float64),
        ("arrived", np.float64),
        ("served", np.float64),
        ("dropped", np.float64),
        ("backlog_s", np.float64),  # request-seconds
    ],
    align=True,
)

# What a service knows of a pool: of its own tries, never of the market's capacity.
SERVICE_POOL = np.dtype(
    [
        ("held", np.int64),  # seats on spot here, without those that are leaving
        ("held_on_demand", np.int64),
        ("ready", np.int64),  # of these, on spot
        ("claimed", np.int64),  # seats on spot here kept, or asked for, in this round
        ("claimed_on_demand", np.int64),
        ("asked", np.int64),  # what `claimed` was at the end of the last round
        ("in_use", np.int64),  # 1: on SpotHedge's list of zones available, 0: on that of zones preempting
        ("failures", np.int64),  # launches that found no capacity
        ("losses", np.int64),
        ("failed_s", np.float64),  # the last one; -inf: none, here and below
        ("lost_s", np.float64),
        ("got_s", np.float64),  # the last launch that found capacity
        ("up_since_s", np.float64),  # the first launch that found capacity, of those after the last loss; inf: none
        ("partial_s", np.float64),  # the last look at which fewer were held here than asked for, but some; -inf: none
        ("lived_s", np.float64),  # how long replicas that are gone have been held here, all together
    ],
    align=True,
)

EVENT = np.dtype(
    [
        ("time_s", np.float64),
        ("key", np.int64),  # kind and number, so that (time_s, key) is the total order
        ("subject", np.int64),  # row of what it is about
        ("generation", np.int64),  # of what it is about; another one there means stale
    ],
    align=True,
)

# Links of the circular lists in linked_lists.py.
LINK = np.dtype([("before", np.int64), ("after", np.int64)], align=True)

EPISODE = np.dtype(
    [
        ("now_s", np.float64),
        ("status", np.int64),  # Stop
        ("lacking", np.int64),  # at GROW: which tables are full, a sum of LACKS_…
        ("focal", np.int64),  # the task that is asked
        ("reason", np.int64),  # AskReason
        ("room_freed", np.int64),  # 1: a full pool has room again, and nobody was asked about it yet
        ("event_count", np.int64),
        ("log_count", np.int64),
        ("task_count", np.int64),  # tasks of this world
        ("next_arrival", np.int64),  # the next task to arrive
        ("slots_used", np.int64),  # rows of the instance table ever used
        ("free_slot", np.int64),  # first unused row below that; NONE
        ("alive", np.int64),  # instances
        ("launch_count", np.int64),  # of this episode
        ("waiting", np.int64),  # tasks, here and below
        ("displaced", np.int64),  # still to be asked
        ("requested", np.int64),  # asked, to be assigned
        ("done", np.int64),
        ("reported_usd", np.float64),  # dollars that earlier steps' rewards have counted
        ("penalty", np.float64),  # of this step
        ("potential", np.float64),  # at the last step's end; where rewards are shaped
        ("first_open", np.int64),  # the tasks before this one are done; likewise
        ("worked_usd", np.float64),  # and what they would have cost on on-demand
        ("scale_usd", np.float64),  # on-demand cost of all work
        ("total_work_s", np.float64),
        ("step_started_s", np.float64),
        # added up over the episode
        ("spot_usd", np.float64),  # settled
        ("on_demand_usd", np.float64),
        ("spot_s", np.float64),  # billed
        ("on_demand_s", np.float64),
        ("setup_s", np.float64),  # billed time of placed tasks before work runs
        ("work_lost_s", np.float64),
        ("work_saved_s", np.float64),  # by the grace period
        ("waiting_s", np.float64),  # of tasks, between arrival and completion, on no instance
        ("downtime_s", np.float64),  # of INTERACTIVE tasks
        ("episode_return", np.float64),
        ("interruptions", np.int64),
        ("checkpoints_full", np.int64),
        ("checkpoints_partial", np.int64),
        ("checkpoints_restart", np.int64),
        ("migrations", np.int64),
        ("moves", np.int64),
        ("launches", np.int64),
        ("failed_launches", np.int64),
        ("cancelled_launches", np.int64),
        ("deadlines_missed", np.int64),
        ("invalid_actions", np.int64),
        ("decisions", np.int64),
        # not added up
        ("looking", np.int64),  # the service whose seats are being asked; NONE
    ],
    align=True,
)

LOG = np.dtype(
    [
        ("time_s", np.float64),
        ("kind", np.int32),  # LogKind
        ("task", np.int32),  # NONE where it has none, here and below
        ("launch", np.int32),
        ("pool", np.int32),
        ("on_demand", np.int32),
        ("value", np.float64),  # figures of the kind; log.py has their names
        ("other", np.float64),
    ],
    align=True,
)


class State(NamedTuple):
    """All that changes, for N environments of P pools."""

    worlds: np.recarray  # (N,) WORLD
    episodes: np.recarray  # (N,) EPISODE
    pools: np.recarray  # (N, P) POOL
    offers: np.recarray  # (N, 2P) OFFER
    market: np.recarray  # (N, P, points) MARKET_POINT
    tasks: np.recarray  # (N, tasks + seats) TASK; a row's first `task_count` are its world's
    instances: np.recarray  # (N, slots) INSTANCE
    services: np.recarray  # (N, S) SERVICE
    service_pools: np.recarray  # (N, S, P) SERVICE_POOL
    demand: np.recarray  # (N, S, points) DEMAND_POINT
    links: np.recarray  # (N, heads + tasks + 2 slots) LINK
    events: np.recarray  # (N, events) EVENT
    log: np.recarray  # (N, entries) LOG; no entries: nothing is logged
    masks: np.ndarray  # (N, 1 + 2P) bool: what the focal task may be answered


def _blank(dtype: np.dtype, **values: float) -> np.recarray:
    """A table of one record as it is before an episode; 0 where nothing else is said."""
    table = new_table(1, dtype)
    for name, value in values.items():
        table[name] = value
    return table


BLANK_EPISODE = _blank(EPISODE, focal=NONE, reason=NONE, free_slot=NONE, looking=NONE)
BLANK_TASK = _blank(
    TASK,
    instance=NONE,
    next_instance=NONE,
    completion_s=math.inf,
    stop_s=math.inf,
    left_spot_s=-math.inf,
    service=NONE,
    predecessor=NONE,
    successor=NONE,
)
BLANK_POOL = _blank(POOL)
BLANK_OFFER = _blank(OFFER)
BLANK_SERVICE = _blank(
    SERVICE, looked_s=-math.inf, event_look_s=-math.inf, changed=1, deficit_s=-math.inf, ready_least=UNLIMITED
)
BLANK_SERVICE_POOL = _blank(
    SERVICE_POOL,
    in_use=1,
    failed_s=-math.inf,
    lost_s=-math.inf,
    got_s=-math.inf,
    up_since_s=math.inf,
    partial_s=-math.inf,
)

# What an episode adds up to: its metrics' names.
_NAMES = EPISODE.names or ()
TOTALS = _NAMES[_NAMES.index("spot_usd") : _NAMES.index("looking")]

LACKS_SLOTS, LACKS_EVENTS, LACKS_LOG = 1, 2, 4

_FIRST_SLOTS = 64  # more are added when an episode needs them


def new_state(params: Parameters, env_count: int, log_events: bool) -> State:
    """Empty tables for `env_count` environments of a scenario."""
    pools, services = params.pools.shape[0], params.services.shape[0]
    tasks = int(params.config[0].task_count) + int(params.services["seat_count"].sum())
    slots = min(tasks + 4, _FIRST_SLOTS)
    points = demand_length(params.demands, float(params.config[0].horizon_s)) if services else 0
    n = env_count
    return State(
        worlds=new_table(n, WORLD),
        episodes=new_table(n, EPISODE),
        pools=new_table((n, pools), POOL),
        offers=new_table((n, 2 * pools), OFFER),
        market=new_table((n, pools, timeline_length(params)), MARKET_POINT),
        tasks=new_table((n, tasks), TASK),
        instances=new_table((n, slots), INSTANCE),
        services=new_table((n, services), SERVICE),
        service_pools=new_table((n, services, pools), SERVICE_POOL),
        demand=new_table((n, services, points), DEMAND_POINT),
        links=new_table((n, link_count(pools, tasks, slots)), LINK),
        events=new_table((n, event_count(pools + 4 * services, tasks, slots)), EVENT),
        log=new_table((n, 1024 if log_events else 0), LOG),
        masks=np.zeros((n, 1 + 2 * pools), np.bool_),
    )


def link_count(pools: int, tasks: int, slots: int) -> int:
    """Nodes of the linked lists: heads, tasks, and two of each instance."""
    return 3 + 3 * pools + tasks + 2 * slots


def event_count(pools: int, tasks: int, slots: int) -> int:
    """Room for twice the events that can be pending, so that stale ones are seldom cleared out."""
    return 2 * (2 * min(tasks, slots) + 4 * slots + pools + 8)


def grown(params: Parameters, state: State, lacking: int) -> State:
    """The same state with twice the room in the tables that are full."""
    pools, tasks = params.pools.shape[0], state.tasks.shape[1]
    if lacking & LACKS_SLOTS:
        slots = 2 * state.instances.shape[1]
        links = _widened(state.links, link_count(pools, tasks, slots))
        state = state._replace(instances=_widened(state.instances, slots), links=links)
    if lacking & LACKS_EVENTS:
        state = state._replace(events=_widened(state.events, 2 * state.events.shape[1]))
    if lacking & LACKS_LOG:
        state = state._replace(log=_widened(state.log, 2 * state.log.shape[1]))
    return state


def _widened(table: np.recarray, width: int) -> np.recarray:
    wider = new_table((table.shape[0], width), table.dtype)
    wider[:, : table.shape[1]] = table
    return wider
