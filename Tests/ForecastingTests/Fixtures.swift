import FoundationEssentials
import Glibc
import Testing

@testable import Forecasting

/// Expects two series to agree: |x − reference| / max(1, |reference|).
func expectClose(
    _ values: some Collection<Double>, _ reference: some Collection<Double>, _ name: String,
    within limit: Double = 1e-9,
    at location: SourceLocation = #_sourceLocation
) {
    #expect(values.count == reference.count, "\(name)", sourceLocation: location)
    let worst = zip(values, reference).map { ($0 - $1).magnitude / max(1, $1.magnitude) }.max() ?? 0
    #expect(worst <= limit, "\(name)", sourceLocation: location)
}

/// The directory with shared material: `ANABRANCH_SHARED`, or `../shared` beside the package; nil when absent.
func sharedDirectory() -> String? {
    let beside = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    let named = unsafe getenv("ANABRANCH_SHARED")
    let path = unsafe named == nil ? "/\(beside)/shared" : unsafe String(cString: named!)
    return unsafe access(path + "/forecast-fixtures/fixtures.json", R_OK) == 0 ? path : nil
}

/// The contents of a file, nil when it cannot be read.
func contents(of path: String) -> [UInt8]? {
    guard let file = unsafe fopen(path, "r") else { return nil }
    defer { unsafe fclose(file) }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe fread(&buffer, 1, buffer.count, file)
        if count == 0 { return result }
        result += buffer[..<count]
    }
}

/// What the shared fixture files hold, with their own key names.
struct Fixtures: Decodable {
    struct Series: Decodable { var m: Int, values: [Double] }
    struct ETS: Decodable {
        var series: String, model: String, m: Int, l0: Double, b0: Double?, s0: [Double]?
        var params: [String: Double], fitted: [Double], forecast: [Double], level_last: Double, sse: Double
        var loglike: Double

        var parameters: ExponentialSmoothing.Parameters {
            .init(
                alpha: params["smoothing_level"]!, beta: params["smoothing_trend"] ?? 0,
                gamma: params["smoothing_seasonal"] ?? 0, phi: params["damping_trend"] ?? 1)
        }

        var form: ExponentialSmoothing.Form? {
            .init(
                error: model.first == "M" ? .multiplicative : .additive,
                trend: model.contains("Ad") ? .damped : model.dropFirst().first == "A" ? .additive : .none,
                season: model.last == "A" ? .additive : model.last == "M" ? .multiplicative : .none, period: m)
        }
    }
    struct Theta: Decodable {
        var series: String, b0: Double, alpha: Double, one_step: Double, n: Int, forecast: [Double]
    }
    struct Arima: Decodable {
        var series: String, order: [Int], seasonal_order: [Int], params: [Double], loglike: Double
        var fitted_differenced: [Double], forecast_differenced: [Double], forecast_variance: [Double]
    }
    struct Structural: Decodable {
        var series: String, params: [Double], initial_state: [Double], initial_state_cov_diag: Double
        var loglike: Double, filtered_state_last: [Double], one_step_pred: [Double], forecast: [Double]
        var forecast_variance: [Double]
    }
    struct Correlation: Decodable { var series: String, acf: [Double], m: Int, m4_seasonality_test_90: Bool }
    struct Double2: Decodable {
        struct Parameters: Decodable { var alpha: Double, beta: Double, gamma: Double, omega: Double, phi: Double }
        struct Case: Decodable {
            var y: [Double], l0: [Double], b0: [Double], fitted: [Double], mean: [Double], mse: [Double]
        }
        var parameters: Parameters
        var cases: [String: Case]
    }

    var series: [String: Series]
    var ets: [ETS]
    var theta: [Theta]
    var arima: [Arima]
    var ucm: [Structural]
    var acf: [Correlation]
    var dshw: Double2!

    func values(_ name: String) -> [Double] { series[name]!.values }

    static let shared: Fixtures? = {
        guard let directory = sharedDirectory(),
            let main = contents(of: directory + "/forecast-fixtures/fixtures.json"),
            let second = contents(of: directory + "/forecast-fixtures/dshw.json")
        else { return nil }
        let decoder = JSONDecoder()
        // A file that is there and cannot be decoded must fail the tests, not skip them.
        var fixtures = try! decoder.decode(Fixtures.self, from: Data(main))
        fixtures.dshw = try! decoder.decode(Double2.self, from: Data(second))
        return fixtures
    }()
}
