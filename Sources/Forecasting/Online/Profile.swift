/// One season's shape: what a phase usually adds to a slow mean, one cell a phase.
///
/// Seasons are lengths of time, not of steps, and are aligned to the epoch, so calendar hours, days and weeks (from a
/// Thursday, UTC) keep their cells through gaps and changes of the sampling interval.
struct Profile: BitwiseCopyable {
    /// Where the cells begin.
    let start: Int
    /// How many there is room for.
    let room: Int
    /// Season length in seconds; 0 while the profile is not in use.
    var season: UInt32 = 0
    /// Seconds a cell covers.
    var width: UInt32 = 1
    /// Seconds of one step.
    var interval: UInt32 = 1
    /// The smallest rate at which a cell moves, per visit of a season.
    var rate: Float
    /// Which slow mean the shape is measured from: 2ᵏ steps.
    var base: Int
    /// Steps taken in, for the first seasons' rates.
    var age = 0

    init(start: Int, room: Int, rate: Float) {
        self.start = start
        self.room = room
        self.rate = rate
        base = 9
    }

    var isUsed: Bool { season > 0 }
    var cells: Int { Int((season + width - 1) / width) }

    /// Takes on a season, as finely as the steps or the room allow but no finer than `finest` seconds.
    mutating func use(season: UInt32, finest: UInt32, interval: UInt32, base: Int) {
        let narrow = max(finest, interval)
        let most = UInt32(room)
        let factor = (season + narrow * most - 1) / (narrow * most)
        self.season = season
        width = narrow * max(1, factor)
        self.interval = interval
        self.base = base
        age = 0
    }

    @inline(__always)
    func phase(at time: Int64) -> UInt32 {
        let remainder = time % Int64(season)
        return UInt32(remainder < 0 ? remainder + Int64(season) : remainder)
    }

    /// The rate of a visit at `phase`: the mean of the first visits, then exponential.
    @inline(__always)
    mutating func nextRate(phase: UInt32) -> Float {
        let perCell = max(1, width / interval)
        let cycle = age / max(1, Int(season / interval))
        let visit = cycle * Int(perCell) + Int(phase % width / interval) + 1
        age += 1
        return max(1 / Float(visit), rate / Float(perCell))
    }
}
