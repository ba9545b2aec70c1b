"""The event loop: the earliest event, its handler, until somebody has to decide."""

from tessera_env.engine.episode import finish_episode
from tessera_env.engine.event_queue import copy_event, kind_of, remove_earliest, restore_order
from tessera_env.engine.handlers import (
    ask_about_room,
    on_arrival,
    on_billing_start,
    on_completion,
    on_demand_change,
    on_end,
    on_handover,
    on_idle_timeout,
    on_market,
    on_notice,
)
from tessera_env.engine.kinds import AskReason, EventKind, InstanceStatus, Stop
from tessera_env.engine.masks import fill_mask
from tessera_env.engine.migration import assign_only_pair, finish_migration
from tessera_env.engine.rounds import asks_seat, on_look
from tessera_env.engine.seats import launch_claimed
from tessera_env.engine.services import start_score
from tessera_env.engine.state import LACKS_EVENTS, LACKS_LOG, LACKS_SLOTS
from tessera_env.engine.tasks import ask_in_turn, stay
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE

_SPARE = 16  # events and log entries that one event makes at most, besides those for each task and instance


@compiled
def advance(params, state, env: int) -> None:
    """Run until a task is to be asked, displaced tasks are to be assigned, the episode ends, or a table is full."""
    episode = state.episodes[env]
    while True:
        episode.lacking = lacking_room(state, env)
        if episode.lacking:
            episode.status = Stop.GROW
            return
        if episode.looking != NONE and asks_seat(params, state, env):
            episode.status = Stop.DECISION
            fill_mask(params, state, env)
            return
        if episode.room_freed:
            ask_about_room(params, state, env)
        event = state.events[env, 0]
        kind, subject, generation = kind_of(event.key), event.subject, event.generation
        time_s = event.time_s
        remove_earliest(state, env)
        if is_stale(state, env, kind, subject, generation):
            continue
        episode.now_s = time_s
        if kind == EventKind.HORIZON:
            end_episode(params, state, env)
            return
        if kind == EventKind.MIGRATE:
            if episode.requested == 0:
                finish_migration(params, state, env)
            elif not assign_only_pair(params, state, env):
                episode.status = Stop.MIGRATION
                return
        elif kind == EventKind.LOOK or kind == EventKind.EARLY_LOOK:
            on_look(params, state, env, subject, generation)
        elif EventKind.ASK_ARRIVAL <= kind < EventKind.ASK_URGENT and params.config[0].ask_tightest_first:
            ask_in_turn(params, state, env, subject)
        elif kind >= EventKind.ASK_INTERRUPTION:
            episode.focal = subject
            episode.reason = state.tasks[env, subject].ask_reason
            episode.status = Stop.DECISION
            fill_mask(params, state, env)
            if episode.reason == AskReason.RECONSIDER and stays_unasked(params, state, env):
                stay(params, state, env, subject)
                continue
            state.tasks[env, subject].ask_s = -1.0  # it is being asked
            return
        else:
            handle(params, state, env, kind, subject)
            if episode.done == episode.task_count and params.services.shape[0] == 0:
                end_episode(params, state, env)
                return


@compiled
def stays_unasked(params, state, env: int) -> bool:
    """Whether the focal task, which runs, is on spot and may stay there, in a scenario that asks no such task."""
    if params.config[0].reconsider_on_spot:
        return False
    placement = state.tasks[env, state.episodes[env].focal].placement
    return state.masks[env, placement] and not state.offers[env, placement - 1].on_demand


@compiled
def handle(params, state, env: int, kind: int, subject: int) -> None:
    """Call the handler of an event of the world."""
    if kind == EventKind.COMPLETION:
        on_completion(params, state, env, subject)
    elif kind == EventKind.HANDOVER:
        on_handover(params, state, env, subject)
    elif kind == EventKind.END:
        on_end(params, state, env, subject)
    elif kind == EventKind.IDLE_TIMEOUT:
        on_idle_timeout(params, state, env, subject)
    elif kind == EventKind.MARKET:
        on_market(params, state, env, subject)
    elif kind == EventKind.NOTICE:
        on_notice(params, state, env, subject)
    elif kind == EventKind.BILLING_START:
        on_billing_start(params, state, env, subject)
    elif kind == EventKind.ARRIVAL:
        on_arrival(params, state, env, subject)
    elif kind == EventKind.CLAIM:
        launch_claimed(params, state, env, subject)
    elif kind == EventKind.DEMAND:
        on_demand_change(params, state, env, subject)
    else:
        start_score(params, state, env, subject)


@compiled
def end_episode(params, state, env: int) -> None:
    """The episode is over."""
    finish_episode(params, state, env)
    state.episodes[env].status = Stop.DONE


@compiled
def is_stale(state, env: int, kind: int, subject: int, generation: int) -> bool:
    """Whether what the event is about has moved on since the event was made."""
    if kind == EventKind.COMPLETION or kind == EventKind.CLAIM:
        return state.tasks[env, subject].run_generation != generation
    if kind == EventKind.HANDOVER:
        return state.tasks[env, subject].handover_generation != generation
    if kind == EventKind.IDLE_TIMEOUT:
        return state.instances[env, subject].idle_generation != generation
    if kind == EventKind.END or kind == EventKind.BILLING_START:
        return state.instances[env, subject].generation != generation
    if kind == EventKind.NOTICE:
        instance = state.instances[env, subject]
        return instance.generation != generation or instance.status != InstanceStatus.HELD
    if EventKind.ASK_INTERRUPTION <= kind < EventKind.LOOK and kind != EventKind.MIGRATE:
        return state.tasks[env, subject].ask_generation != generation
    return False


@compiled
def lacking_room(state, env: int) -> int:
    """Which tables cannot take what one event and the decision after it may add; clears out stale events first."""
    episode = state.episodes[env]
    lacking = 0
    if episode.free_slot == NONE and episode.slots_used == state.instances.shape[1]:
        lacking += LACKS_SLOTS
    added = 2 * (episode.waiting + episode.displaced + episode.requested) + 6 * episode.alive + _SPARE
    if episode.event_count + added > state.events.shape[1]:
        drop_stale_events(state, env)
        if episode.event_count + added > state.events.shape[1]:
            lacking += LACKS_EVENTS
    if state.log.shape[1] > 0 and episode.log_count + 4 * added > state.log.shape[1]:
        lacking += LACKS_LOG
    return lacking


@compiled
def drop_stale_events(state, env: int) -> None:
    """Rebuild the heap from the events that still mean something."""
    episode = state.episodes[env]
    kept = 0
    for k in range(episode.event_count):
        event = state.events[env, k]
        if not is_stale(state, env, kind_of(event.key), event.subject, event.generation):
            copy_event(state, env, k, kept)
            kept += 1
    episode.event_count = kept
    restore_order(state, env)
