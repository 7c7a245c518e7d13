/// How a node reassembles jobs: bounds of a ``ReassemblyDesk``.
public struct ReassemblySettings: Equatable, Sendable {
    /// `max_jobs`: jobs at once; further ones are refused; 1 … 65,536.
    public var maximumJobs = 4096
    /// `max_job_bytes`: results that are held for all jobs together, in bytes; 1 MiB … 2⁴⁰.
    public var maximumBytes = 256 << 20
    /// `max_answer_size`: the results of one job together, in bytes; 1 … 16 MiB.
    public var maximumAnswer = 16 << 20
    /// `early_bytes`: results whose job is not known yet, in bytes; 0 … 2³⁰.
    public var earlyBytes = 4 << 20
    /// `early_time`: how long such results are kept; 1 ms … 60 s.
    public var earlyTime = Duration.milliseconds(500)
    /// `max_demands`: chunks that are asked for again at once; the window moves between 1 and this; 1 … 4096.
    public var maximumDemands = 64
    /// `hedge_burst`: chunks that hedging may save up of its budget; 1 … 100,000.
    public var hedgeBurst = 256

    /// All defaults, as they stand beside the properties.
    public init() {}

    /// The first setting that is out of its range.
    public func validate() throws(SettingsError) {
        try SettingsError.check("max_jobs", maximumJobs, 1...65_536)
        try SettingsError.check("max_job_bytes", maximumBytes, (1 << 20)...(1 << 40))
        try SettingsError.check("max_answer_size", maximumAnswer, 1...(16 << 20))
        try SettingsError.check("early_bytes", earlyBytes, 0...(1 << 30))
        try SettingsError.check("early_time", earlyTime, .milliseconds(1)...(.seconds(60)))
        try SettingsError.check("max_demands", maximumDemands, 1...4096)
        try SettingsError.check("hedge_burst", hedgeBurst, 1...100_000)
    }
}
