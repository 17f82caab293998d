# SPDX-License-Identifier: MIT
"""Cart-pole, acrobot, pendulum and the two mountain cars: dynamics of one row.

Equal to Gymnasium's environments state by state, in its order of arithmetic [1]_. `state.real`
holds what their `state` holds; `state.whole` is not used. `params` is (problem, velocities hidden):
with the second at 1 the velocities are observed as 0, as rl_zoo3's MaskVelocityWrapper does.

References
----------
.. [1] gymnasium 1.4, ``gymnasium/envs/classic_control``.
"""

import math

import numpy as np

from flyball.core.batch import Doubles, Ints
from flyball.worlds.classics.compiling import inlined
from flyball.worlds.classics.draws import uniform
from flyball.worlds.classics.state import Out, Seen, State

CARTPOLE, ACROBOT, PENDULUM, CAR, CAR_CONTINUOUS = range(5)

N_REAL = 4
"""Length of the longest state, in `state.real`."""

CART_LIMIT_M = 2.4
POLE_LIMIT_RAD = 12 * 2 * math.pi / 360
SPIN_LIMIT_RAD_PER_S = 8.0
TORQUE_LIMIT_NM = 2.0
LINK_1_LIMIT_RAD_PER_S = 4 * math.pi
LINK_2_LIMIT_RAD_PER_S = 9 * math.pi
GRAVITY_M_PER_S2 = 9.8
CAR_LOW, CAR_HIGH, CAR_FASTEST = -1.2, 0.6, 0.07
CAR_GOAL, CAR_CONTINUOUS_GOAL = 0.5, 0.45


@inlined
def reset_row(params: Doubles, row: int, seed: int, episode: int, state: State) -> None:
    """Draw the first state: uniform in Gymnasium's ranges."""
    problem, real = int(params[0]), state.real[row]
    for i in range(N_REAL):
        real[i] = 0.0
    if problem == CARTPOLE:
        for i in range(4):
            real[i] = -0.05 + 0.1 * uniform(seed, episode, i, 0, 0)
    elif problem == ACROBOT:
        for i in range(4):
            real[i] = np.float32(-0.1 + 0.2 * uniform(seed, episode, i, 0, 0))
    elif problem == PENDULUM:
        real[0] = -math.pi + 2.0 * math.pi * uniform(seed, episode, 0, 0, 0)
        real[1] = -1.0 + 2.0 * uniform(seed, episode, 1, 0, 0)
    elif problem == CAR:
        real[0] = -0.6 + 0.2 * uniform(seed, episode, 0, 0, 0)
    else:
        real[0] = np.float32(-0.6 + 0.2 * uniform(seed, episode, 0, 0, 0))


@inlined
def step_row(
    params: Doubles, row: int, choice: Ints, value: Doubles, state: State, out: Out
) -> None:
    """Move one row by one step of its problem."""
    problem = int(params[0])
    if problem == CARTPOLE:
        _cartpole(row, choice[row, 0, 0], state, out)
    elif problem == ACROBOT:
        _acrobot(row, choice[row, 0, 0] - 1.0, state, out)
    elif problem == PENDULUM:
        _pendulum(row, value[row, 0, 0], state, out)
    elif problem == CAR:
        _car(row, choice[row, 0, 0], state, out)
    else:
        _car_continuous(row, value[row, 0, 0], state, out)


@inlined
def _cartpole(row: int, choice: int, state: State, out: Out) -> None:
    """Euler step of 0.02 s; force 10 N to the left (0) or the right (1)."""
    real = state.real[row]
    x, x_dot, theta, theta_dot = real[0], real[1], real[2], real[3]
    force = 10.0 if choice == 1 else -10.0
    cos, sin = math.cos(theta), math.sin(theta)
    pole_mass, half_length = 0.1, 0.5
    total_mass, pole_moment = pole_mass + 1.0, pole_mass * half_length
    push = (force + pole_moment * (theta_dot * theta_dot) * sin) / total_mass
    theta_acc = (GRAVITY_M_PER_S2 * sin - cos * push) / (
        half_length * (4.0 / 3.0 - pole_mass * (cos * cos) / total_mass)
    )
    x_acc = push - pole_moment * theta_acc * cos / total_mass
    real[0] = x + 0.02 * x_dot
    real[1] = x_dot + 0.02 * x_acc
    real[2] = theta + 0.02 * theta_dot
    real[3] = theta_dot + 0.02 * theta_acc
    out.reward[row, 0, 0] = 1.0
    out.terminated[row] = abs(real[0]) > CART_LIMIT_M or abs(real[2]) > POLE_LIMIT_RAD


@inlined
def link_acceleration(
    theta_1: float, theta_2: float, spin_1: float, spin_2: float, torque: float
) -> tuple[float, float]:
    """Return the angular accelerations of the acrobot's links, as in Sutton and Barto's book.

    Both links have length, mass and moment of inertia 1 and their centre of mass in the middle.
    """
    cos_2, sin_2 = math.cos(theta_2), math.sin(theta_2)
    d_1 = 0.25 + (1.25 + cos_2) + 1.0 + 1.0
    d_2 = (0.25 + 0.5 * cos_2) + 1.0
    phi_2 = 0.5 * GRAVITY_M_PER_S2 * math.cos(theta_1 + theta_2 - math.pi / 2.0)
    phi_1 = (
        -0.5 * (spin_2 * spin_2) * sin_2
        - spin_2 * spin_1 * sin_2
        + 1.5 * GRAVITY_M_PER_S2 * math.cos(theta_1 - math.pi / 2.0)
        + phi_2
    )
    acc_2 = (torque + d_2 / d_1 * phi_1 - 0.5 * (spin_1 * spin_1) * sin_2 - phi_2) / (
        1.25 - (d_2 * d_2) / d_1
    )
    return -(d_2 * acc_2 + phi_1) / d_1, acc_2


@inlined
def _acrobot(row: int, torque: float, state: State, out: Out) -> None:
    """One classical Runge-Kutta step of 0.2 s; torque -1, 0 or 1 Nm at the joint between links.

    The four slopes are named after their angle (a: first link, b: second) and number.
    """
    s, h = state.real[row], 0.2
    a_1, b_1 = s[2], s[3]
    aa_1, bb_1 = link_acceleration(s[0], s[1], a_1, b_1, torque)
    half = h / 2.0
    a_2, b_2 = s[2] + half * aa_1, s[3] + half * bb_1
    aa_2, bb_2 = link_acceleration(s[0] + half * a_1, s[1] + half * b_1, a_2, b_2, torque)
    a_3, b_3 = s[2] + half * aa_2, s[3] + half * bb_2
    aa_3, bb_3 = link_acceleration(s[0] + half * a_2, s[1] + half * b_2, a_3, b_3, torque)
    a_4, b_4 = s[2] + h * aa_3, s[3] + h * bb_3
    aa_4, bb_4 = link_acceleration(s[0] + h * a_3, s[1] + h * b_3, a_4, b_4, torque)
    sixth = h / 6.0
    s[0] = wrapped(s[0] + sixth * (a_1 + 2 * a_2 + 2 * a_3 + a_4))
    s[1] = wrapped(s[1] + sixth * (b_1 + 2 * b_2 + 2 * b_3 + b_4))
    s[2] = within(s[2] + sixth * (aa_1 + 2 * aa_2 + 2 * aa_3 + aa_4), LINK_1_LIMIT_RAD_PER_S)
    s[3] = within(s[3] + sixth * (bb_1 + 2 * bb_2 + 2 * bb_3 + bb_4), LINK_2_LIMIT_RAD_PER_S)
    high = -math.cos(s[0]) - math.cos(s[1] + s[0]) > 1.0
    out.terminated[row] = high
    out.reward[row, 0, 0] = 0.0 if high else -1.0


@inlined
def wrapped(angle: float) -> float:
    """Return the angle in [-pi, pi], by whole turns, one at a time as Gymnasium does."""
    while angle > math.pi:
        angle = angle - 2.0 * math.pi
    while angle < -math.pi:
        angle = angle + 2.0 * math.pi
    return angle


@inlined
def within(number: float, limit: float) -> float:
    """Return the nearest number in [-limit, limit]."""
    return min(max(number, -limit), limit)


@inlined
def _pendulum(row: int, torque: float, state: State, out: Out) -> None:
    """Euler step of 0.05 s; the angle is 0 upright, in rad, and counts whole turns."""
    real = state.real[row]
    theta, spin = real[0], real[1]
    error = ((theta + math.pi) % (2.0 * math.pi)) - math.pi
    cost = error * error + 0.1 * (spin * spin) + 0.001 * (torque * torque)
    gravity, mass, length = 10.0, 1.0, 1.0
    pull = 3.0 * gravity / (2.0 * length) * math.sin(theta)
    spin = spin + (pull + 3.0 / (mass * (length * length)) * torque) * 0.05
    spin = within(spin, SPIN_LIMIT_RAD_PER_S)
    real[0] = theta + spin * 0.05
    real[1] = spin
    out.reward[row, 0, 0] = -cost


@inlined
def _car(row: int, choice: int, state: State, out: Out) -> None:
    """Moore's car: push left (0), not (1) or right (2); the goal is on the right hill."""
    real = state.real[row]
    position, velocity = real[0], real[1]
    velocity += (choice - 1) * 0.001 + math.cos(3.0 * position) * (-0.0025)
    velocity = within(velocity, CAR_FASTEST)
    position = min(max(position + velocity, CAR_LOW), CAR_HIGH)
    if position == CAR_LOW and velocity < 0.0:
        velocity = 0.0
    real[0], real[1] = position, velocity
    out.terminated[row] = position >= CAR_GOAL and velocity >= 0.0
    out.reward[row, 0, 0] = -1.0


@inlined
def _car_continuous(row: int, force: float, state: State, out: Out) -> None:
    """Moore's car with a force in [-1, 1]; the state is rounded to 32 bits, as Gymnasium's is."""
    real = state.real[row]
    position, velocity = real[0], real[1]
    angle = np.float64(np.float32(3.0) * np.float32(position))
    velocity += force * 0.0015 - 0.0025 * math.cos(angle)
    velocity = within(velocity, CAR_FASTEST)
    position = min(max(position + velocity, CAR_LOW), CAR_HIGH)
    if position == CAR_LOW and velocity < 0.0:
        velocity = 0.0
    at_goal = position >= CAR_CONTINUOUS_GOAL and velocity >= 0.0
    real[0], real[1] = np.float32(position), np.float32(velocity)
    out.terminated[row] = at_goal
    out.reward[row, 0, 0] = (100.0 if at_goal else 0.0) - force * force * 0.1


@inlined
def observe_row(params: Doubles, row: int, state: State, seen: Seen) -> None:
    """Write what the agent sees; every action is legal."""
    problem, seeing = int(params[0]), 1.0 - params[1]
    real, obs = state.real[row], seen.obs[row, 0]
    seen.mask[row] = True
    if problem == CARTPOLE:
        obs[0], obs[1] = real[0], real[1] * seeing
        obs[2], obs[3] = real[2], real[3] * seeing
    elif problem == ACROBOT:
        obs[0], obs[1] = math.cos(real[0]), math.sin(real[0])
        obs[2], obs[3] = math.cos(real[1]), math.sin(real[1])
        obs[4], obs[5] = real[2] * seeing, real[3] * seeing
    elif problem == PENDULUM:
        obs[0], obs[1] = math.cos(real[0]), math.sin(real[0])
        obs[2] = real[1] * seeing
    else:
        obs[0], obs[1] = real[0], real[1] * seeing
