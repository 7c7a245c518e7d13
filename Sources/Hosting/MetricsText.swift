/// Builds the Prometheus text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
package struct MetricsText {
    /// The kinds of metric used here.
    package enum Kind: String {
        case counter, gauge, histogram
    }

    package private(set) var text = ""
    private let prefix: String
    private var name = ""

    /// An empty page whose metrics begin with `prefix`.
    package init(prefix: String = "anabranch_") { self.prefix = prefix }

    /// Begins a metric: its samples follow.
    package mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        self.name = prefix + name
        text += "# HELP \(self.name) \(help)\n# TYPE \(self.name) \(kind.rawValue)\n"
    }

    /// A sample of the metric that was begun.
    package mutating func sample(
        _ labels: KeyValuePairs<String, String> = [:], _ value: some Numeric, suffix: String = ""
    ) {
        text += name + suffix
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0)=\"\(Self.escape($1))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    /// A metric with one sample.
    package mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: some Numeric) {
        begin(name, kind, help)
        sample([:], value)
    }

    /// A histogram's samples.
    ///
    /// - Parameters:
    ///   - buckets: upper bound and count of each bucket, ascending, not cumulative; the last one's bound is infinite.
    ///   - sum: of all observed values.
    package mutating func histogram(
        _ label: String, _ value: String, buckets: [(bound: String, count: UInt64)], sum: some Numeric
    ) {
        var total: UInt64 = 0
        for bucket in buckets {
            total += bucket.count
            sample([label: value, "le": bucket.bound], total, suffix: "_bucket")
        }
        sample([label: value], sum, suffix: "_sum")
        sample([label: value], total, suffix: "_count")
    }

    private static func escape(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
