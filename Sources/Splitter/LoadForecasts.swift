import Forecasting
import Glibc
import Synchronization

/// What the nodes' load is expected to be in a moment: one model a node, fed with its smoothed load once a second.
final class LoadForecasts: Sendable {
    /// One node's model. Allocated once; learning and asking are for one thread.
    private final class Model {
        var forecaster = OnlineForecaster(interval: 1)
        var second: Int64 = .min
        var expected: Double?
    }

    private struct Table: ~Copyable {
        var models: [String: Model] = [:]
    }

    private let table = Mutex(Table())

    /// Seconds ahead: a job's deadline is about as long.
    private static let ahead = 2
    /// Seconds that a model must have seen before it is asked.
    private static let enough = 30
    /// Models at most; more nodes are left to their smoothed load. One takes about 130 kB.
    private static let most = 256

    /// Takes in a node's load, 0 … 1; once a second is enough.
    ///
    /// - Parameter now: Nanoseconds of the monotonic clock.
    func learn(_ load: Double, of node: String, now: Int64) {
        let second = now / 1_000_000_000
        table.withLock { table in
            if table.models[node] == nil {
                guard table.models.count < Self.most else { return }
                table.models[node] = Model()
            }
            guard let model = table.models[node], model.second != second else { return }
            model.second = second
            model.forecaster.update(load, at: second)
            if model.forecaster.isReviewDue { model.forecaster.reviewSeasons() }
            guard model.forecaster.steps >= Self.enough else { return }
            let forecast = model.forecaster.forecast(Self.ahead).mean
            model.expected = forecast.isFinite ? min(max(forecast, 0), 1) : nil
        }
    }

    /// A node's load to be expected, 0 … 1; nil while too little is known of it.
    func load(of node: String) -> Double? { table.withLock { $0.models[node]?.expected } }

    /// Forgets a node.
    func forget(_ node: String) { table.withLock { $0.models[node] = nil } }
}
