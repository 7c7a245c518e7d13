/// The numbers 0 ..< count in an order that looks random and is the same everywhere and always (Fisher–Yates).
func fixedShuffle(count: Int) -> [UInt32] {
    var values = [UInt32](0..<UInt32(count))
    var span = values.mutableSpan
    // SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), begun at 0.
    var state: UInt64 = 0
    for place in 0..<count {
        state &+= 0x9E37_79B9_7F4A_7C15
        var random = (state ^ (state &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        random = (random ^ (random &>> 27)) &* 0x94D0_49BB_1331_11EB
        random ^= random &>> 31
        let choice = place &+ Int(random.multipliedFullWidth(by: UInt64(count &- place)).high)
        span.swapAt(place, choice)
    }
    return values
}
