/// Whether `number` is prime. By trial division: at most 2,048 divisions for the largest table size.
func isPrime(_ number: Int) -> Bool {
    if number < 4 { return number > 1 }
    if number.isMultiple(of: 2) || number.isMultiple(of: 3) { return false }
    var divisor = 5
    while divisor * divisor <= number {
        if number.isMultiple(of: divisor) || number.isMultiple(of: divisor + 2) { return false }
        divisor += 6
    }
    return true
}

/// The smallest prime that is not below `number`.
func primeNotBelow(_ number: Int) -> Int {
    var candidate = max(number, 2)
    while !isPrime(candidate) { candidate += 1 }
    return candidate
}

/// The prime closest to `number`; of two equally close ones the larger, since more slots spread better.
func nearestPrime(to number: Int) -> Int {
    if number <= 2 { return 2 }
    var distance = 0
    while true {
        if isPrime(number + distance) { return number + distance }
        if isPrime(number - distance) { return number - distance }
        distance += 1
    }
}
