#!/usr/bin/env python3
"""Makes the reference numbers of the forecasting tests (needs numpy):

    python3 Scripts/forecast-reference.py > Tests/ForecastingTests/ReferenceNumbers.swift

Nothing here shares a method with the module: the ARIMA likelihood and the structural model come from dense
covariance matrices and conditioning, not from Kalman filters; the smoothing models are written as plain loops.
The series: y(t) = 120 + 0.2 t + 25 sin(2 pi t / 12) + 8 u(t), u uniform in -1...1 from a linear congruential
generator (x <- 1664525 x + 1013904223 mod 2^32, from 2024), t = 0...95.
"""
import numpy as np

x, y = 2024, []
for t in range(96):
    x = (1664525 * x + 1013904223) % 2**32
    y.append(120 + 0.2 * t + 25 * np.sin(2 * np.pi * t / 12) + 8 * (x / 2**31 - 1))
y = np.array(y)
out = {"series": y}

# Damped additive Holt-Winters, additive errors.
a, b, g, phi, m = 0.25, 0.04, 0.15, 0.93, 12
l, tr = 115.0, 0.3
s = [25 * np.sin(2 * np.pi * k / 12) for k in range(12)]
sse = 0.0
for t in range(96):
    u = l + phi * tr
    e = y[t] - u - s[t % m]
    sse += e * e
    l, tr = u + a * e, phi * tr + b * e
    s[t % m] += g * e
out["additive"] = [l + sum(phi**i for i in range(1, h + 1)) * tr + s[(95 + h) % m] for h in range(1, 13)]
out["additiveLikelihood"] = [-48 * (np.log(2 * np.pi * sse / 96) + 1)]

# The same with a multiplicative season and relative errors.
l, tr = 115.0, 0.3
s = [1 + 0.2 * np.sin(2 * np.pi * k / 12) for k in range(12)]
sse = scale = 0.0
for t in range(96):
    u = l + phi * tr
    f = u * s[t % m]
    e = y[t] - f
    sse += (e / f) ** 2
    scale += np.log(f)
    new = u + a * e / s[t % m]
    tr = phi * tr + b * e / s[t % m]
    s[t % m] = g / (1 - a) * y[t] / new + (1 - g / (1 - a)) * s[t % m]
    l = new
out["multiplicative"] = [(l + sum(phi**i for i in range(1, h + 1)) * tr) * s[(95 + h) % m] for h in range(1, 13)]
out["multiplicativeLikelihood"] = [-48 * (np.log(2 * np.pi * sse / 96) + 1) - scale]

# Autocorrelations, biased.
c = y - y.mean()
out["autocorrelation"] = [float(np.sum(c[k:] * c[:96 - k]) / np.sum(c * c)) for k in range(13)]

# ARIMA(2,0,1), stationary, mean 0 after y - 130: exact likelihood from the full covariance matrix.
ar, ma, var = [0.6, -0.2], 0.4, 60.0
psi = [1.0, ar[0] + ma]
for k in range(2, 2000):
    psi.append(ar[0] * psi[-1] + ar[1] * psi[-2])
psi = np.array(psi)
gamma = np.array([var * np.sum(psi[: len(psi) - k] * psi[k:]) for k in range(106)])
full = np.array([[gamma[abs(i - j)] for j in range(106)] for i in range(106)])
z = y - 130
S = full[:96, :96]
out["arimaLikelihood"] = [-0.5 * (96 * np.log(2 * np.pi) + np.linalg.slogdet(S)[1] + z @ np.linalg.solve(S, z))]
out["arima"] = 130 + full[96:, :96] @ np.linalg.solve(S, z)

# Structural: level, trend, two harmonics of 12; values 40...49 missing; conditioned as one Gaussian vector.
q = np.diag([3.0, 0.01, 0.2, 0.2, 0.2, 0.2])
T = np.zeros((6, 6))
T[0, 0] = T[0, 1] = T[1, 1] = 1
for j in (1, 2):
    w = 2 * np.pi * j / 12
    T[2 * j : 2 * j + 2, 2 * j : 2 * j + 2] = [[np.cos(w), np.sin(w)], [-np.sin(w), np.cos(w)]]
Z = np.array([1, 0, 1, 0, 1, 0.0])
mean = [np.array([120.0, 0, 0, 0, 0, 0])]
P = [np.eye(6) * 400]
for t in range(101):
    mean.append(T @ mean[-1])
    P.append(T @ P[-1] @ T.T + q)
n = 102
C = np.zeros((n, n))
for i in range(n):
    X = P[i]
    for j in range(i, n):
        C[i, j] = C[j, i] = Z @ X @ Z
        X = T @ X
mu = np.array([Z @ v for v in mean])
seen = [t for t in range(96) if not 40 <= t < 50]
K = C[np.ix_(seen, seen)] + 20 * np.eye(len(seen))
gain = np.linalg.solve(K, C[np.ix_(seen, range(96, n))]).T
out["structural"] = mu[96:] + gain @ (y[seen] - mu[seen])
out["structuralVariance"] = np.diag(C[96:, 96:] - gain @ C[np.ix_(seen, range(96, n))]) + 20

print("/// Reference numbers; made by `Scripts/forecast-reference.py`, which says how. Not to be edited by hand.")
print("enum ReferenceNumbers {")
for name, values in out.items():
    numbers = [repr(float(v)) for v in np.atleast_1d(values)]
    if len(numbers) == 1:
        print(f"    static let {name}: [Double] = [{numbers[0]}]")
        continue
    print(f"    static let {name}: [Double] = [")
    for number in numbers:
        print(f"        {number},")
    print("    ]")
print("}")
