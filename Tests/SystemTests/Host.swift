import Foundation
import Testing

/// What the tests in network namespaces need of the machine.
enum Host {
    /// The package's root directory.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Where the programs were built; `Scripts/test` says.
    static let programs = ProcessInfo.processInfo.environment["ANABRANCH_PROGRAMS"] ?? root + "/.build/release"

    static let inCI = ProcessInfo.processInfo.environment["CI"] != nil

    /// Why the tests cannot run here; nil when they can.
    static let obstacle: String? = {
        if geteuid() != 0 { return "not root" }
        for program in ["anabranchd", "anabranch-node", "anabranch", "traffic"]
        where !FileManager.default.isExecutableFile(atPath: "\(programs)/\(program)") {
            return "\(programs)/\(program) is not built: run Scripts/test"
        }
        return nil
    }()
}

@Suite("The machine")
struct HostTests {
    /// Without this, a CI machine that cannot run them would pass with the tests in namespaces left out.
    @Test(.enabled(if: Host.inCI)) func testsInNamespacesRunInCI() {
        #expect(Host.obstacle == nil)
    }
}
