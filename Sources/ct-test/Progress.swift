import Glibc
import Synchronization

/// Says on a terminal how far the runs have come; says nothing elsewhere.
final class Progress: Sendable {
    private let runs: Int
    private let isShown: Bool
    private let thousandths: [Cell]
    private let shown = Atomic<Int>(-1)

    private final class Cell: Sendable {
        let value = Atomic<Int>(0)
    }

    init(runs: Int) {
        self.runs = runs
        isShown = isatty(STDERR_FILENO) == 1
        thousandths = (0..<runs).map { _ in Cell() }
    }

    /// Run `run` has done a part of its time, 0 … 1.
    func report(_ run: Int, _ part: Double) {
        guard isShown else { return }
        thousandths[run].value.store(Int(part * 1000), ordering: .relaxed)
        let sum = thousandths.reduce(0) { $0 + $1.value.load(ordering: .relaxed) }
        let percent = sum / (10 * runs)
        if shown.exchange(percent, ordering: .relaxed) != percent { write("\r\(percent) %") }
    }

    /// Clears the line.
    func finish() {
        if isShown { write("\r\u{1B}[K") }
    }

    private func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }
}
