/// Finds a minimum without derivatives (Nelder and Mead 1965), deterministic.
///
/// - Parameters:
///   - start: the first corner of the simplex; the others lie `size` away along each axis.
///   - evaluations: how often `cost` may be called, beyond the first simplex.
///   - tolerance: the relative spread of the simplex's costs at which the search ends.
func minimise(
    start: [Double], size: Double, evaluations: Int, tolerance: Double = 1e-9, cost: ([Double]) -> Double
) -> [Double] {
    let n = start.count
    var corners = [start]
    for axis in 0..<n {
        var corner = start
        corner[axis] += size
        corners.append(corner)
    }
    var costs = corners.map(cost)
    var used = 0
    while used < evaluations {
        let order = costs.indices.sorted { costs[$0] < costs[$1] || (costs[$0] == costs[$1] && $0 < $1) }
        corners = order.map { corners[$0] }
        costs = order.map { costs[$0] }
        if costs[n] - costs[0] <= tolerance * (costs[0].magnitude + 1e-12) { break }
        var centre = [Double](repeating: 0, count: n)
        for corner in corners[..<n] {
            for axis in 0..<n { centre[axis] += corner[axis] / Double(n) }
        }
        func along(_ factor: Double) -> [Double] {
            (0..<n).map { centre[$0] + factor * (corners[n][$0] - centre[$0]) }
        }
        let reflected = along(-1)
        let reflectedCost = cost(reflected)
        used += 1
        if reflectedCost < costs[0] {
            let expanded = along(-2)
            let expandedCost = cost(expanded)
            used += 1
            (corners[n], costs[n]) =
                expandedCost < reflectedCost ? (expanded, expandedCost) : (reflected, reflectedCost)
        } else if reflectedCost < costs[n - 1] {
            (corners[n], costs[n]) = (reflected, reflectedCost)
        } else {
            let contracted = along(reflectedCost < costs[n] ? -0.5 : 0.5)
            let contractedCost = cost(contracted)
            used += 1
            if contractedCost < min(reflectedCost, costs[n]) {
                (corners[n], costs[n]) = (contracted, contractedCost)
            } else {
                for corner in 1...n {
                    for axis in 0..<n { corners[corner][axis] = (corners[corner][axis] + corners[0][axis]) / 2 }
                    costs[corner] = cost(corners[corner])
                }
                used += n
            }
        }
    }
    var best = 0
    for corner in costs.indices where costs[corner] < costs[best] { best = corner }
    return corners[best]
}
