// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is built alike: language mode 6, each warning an error, unsafe places marked.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A C program of the scripts: what measures must not share code with what is measured.
func tool(_ name: String) -> Target {
    .executableTarget(
        name: name, path: "Scripts/tools/\(name)",
        cSettings: [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)],
        linkerSettings: [.linkedLibrary("pthread")])
}

func library(_ name: String, _ pkgConfig: String, _ packages: [String]) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt(packages)])
}

let package = Package(
    name: "anabranch",
    products: [
        // For nodes with processors of your own.
        .library(name: "ChunkProcessing", targets: ["ChunkProcessing"]),
        .library(name: "AnabranchNode", targets: ["Node"]),
    ],
    targets: [
        // The system's libraries and what Swift cannot import of Linux.
        library("CNetfilterQueue", "libnetfilter_queue", ["libnetfilter-queue-dev", "libmnl-dev"]),
        library("CXXHash", "libxxhash", ["libxxhash-dev"]),
        library("CPcap", "libpcap", ["libpcap-dev"]),
        library("CMicrohttpd", "libmicrohttpd", ["libmicrohttpd-dev"]),
        library("CZlib", "zlib", ["zlib1g-dev"]),
        library("COpenSSL", "openssl", ["libssl-dev"]),
        .target(name: "CLinuxShims"),

        // Modules, each above those it depends on.
        module("Logging"),
        module("JSONText"),
        module("Wire"),
        module("Capture", ["CPcap"]),
        module("Selection", ["CXXHash", "Wire"]),
        module("Classification", ["Wire", "Selection"]),
        module("Tracking", ["CLinuxShims", "Wire"]),
        module("Dataplane", ["CLinuxShims", "Wire", "Selection", "Tracking", "Classification"]),
        module("NetfilterQueue", ["CLinuxShims", "CNetfilterQueue", "Logging", "Wire", "Dataplane"]),
        module("Forecasting"),
        module("ForecastCommand", ["Forecasting"]),
        module("Configuration", ["JSONText", "Wire", "Selection", "Classification", "Splitting"]),
        module("KernelPath", ["Wire"]),
        module("Health", ["Wire"]),
        module("Hosting", ["CMicrohttpd", "Wire"]),
        module(
            "Control",
            [
                "Hosting", "Logging", "JSONText", "Wire", "Selection", "Classification", "Tracking", "Dataplane",
                "NetfilterQueue", "NodeLinks", "KernelPath", "Configuration", "Health", "Splitter", "Splitting",
                "StateStore",
            ]),
        module("Simulation", ["Tracking", "Wire"]),
        module("Splitting", ["COpenSSL", "CXXHash", "Wire", "Selection"]),
        module("StateStore", ["JSONText"]),
        module("NodeLinks", ["CLinuxShims", "COpenSSL", "Logging", "Splitting", "Wire"]),
        module(
            "Splitter",
            [
                "CLinuxShims", "Logging", "Wire", "Selection", "Tracking", "Dataplane", "NetfilterQueue", "NodeLinks",
                "Splitting", "StateStore", "Forecasting",
            ]),
        module("ChunkProcessing", ["CLinuxShims", "CZlib", "COpenSSL", "Logging", "Wire", "Splitting"]),
        module(
            "Node",
            [
                "CLinuxShims", "ChunkProcessing", "Configuration", "Health", "Hosting", "Logging", "NodeLinks",
                "Splitting", "Wire",
            ]),

        // The programs.
        program(
            "anabranchd",
            [
                "Hosting", "Logging", "Wire", "Configuration", "Tracking", "Dataplane", "NetfilterQueue", "NodeLinks",
                "Splitter", "StateStore", "Control",
            ]),
        program(
            "anabranch",
            [
                "Hosting", "JSONText", "Wire", "Capture", "Tracking", "Dataplane", "NetfilterQueue", "KernelPath",
                "Configuration", "Control", "ForecastCommand", "Splitting",
            ]),
        program("anabranch-node", ["Node"]),
        program("ct-test", ["Simulation", "Tracking"]),

        // What the scripts measure and try with.
        tool("floor"),
        tool("traffic"),

        // Tests and what they share.
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        .target(
            name: "PacketBuilding", dependencies: ["Wire"], path: "Tests/PacketBuilding", swiftSettings: settings),
        tests("JSONTextTests", ["JSONText"]),
        tests("WireTests", ["Wire", "PacketBuilding"]),
        tests("CaptureTests", ["Capture", "Wire", "PacketBuilding"]),
        tests("SelectionTests", ["Selection", "Wire"]),
        tests("ClassificationTests", ["Classification", "Wire", "Selection"]),
        tests("DataplaneTests", ["Classification", "Dataplane", "PacketBuilding", "Selection", "Tracking", "Wire"]),
        tests(
            "NetfilterQueueTests",
            [
                "CAllocationCounter", "CNetfilterQueue", "Classification", "Dataplane", "NetfilterQueue", "Selection",
                "Tracking", "Wire",
            ]),
        tests("KernelPathTests", ["KernelPath", "Wire"]),
        tests("HealthTests", ["Health", "Wire"]),
        tests("HostingTests", ["Hosting"]),
        tests(
            "ControlTests",
            [
                "Control", "Configuration", "Dataplane", "Hosting", "JSONText", "KernelPath", "NetfilterQueue",
                "NodeLinks", "Selection", "Splitter", "Splitting", "StateStore", "Tracking", "Wire",
            ]),
        tests("CommandTests", ["anabranch", "anabranchd", "Capture", "JSONText", "Splitting", "Wire"]),
        tests("ForecastingTests", ["CAllocationCounter", "Forecasting"]),
        tests("ForecastCommandTests", ["ForecastCommand", "Forecasting"]),
        tests("TrackingTests", ["Simulation", "Tracking", "Wire"]),
        tests("SimulationTests", ["ct-test", "Simulation", "Tracking"]),
        tests("SplittingTests", ["Splitting", "Selection", "Wire"]),
        tests("NodeLinksTests", ["NodeLinks", "Splitting", "Wire"]),
        tests("StateStoreTests", ["StateStore"]),
        tests(
            "SplitterTests",
            [
                "Classification", "Configuration", "Control", "Dataplane", "JSONText", "NetfilterQueue", "NodeLinks",
                "Selection", "Splitter", "Splitting", "StateStore", "Tracking", "Wire",
            ]),
        tests(
            "NodeTests",
            [
                "anabranch-node", "ChunkProcessing", "Configuration", "Hosting", "Node", "NodeLinks", "Splitting",
                "Wire",
            ]),
        tests("SystemTests", []),
        tests("ChunkProcessingTests", ["ChunkProcessing", "Splitting", "Wire"]),
        tests(
            "ConfigurationTests", ["Configuration", "JSONText", "Wire", "Selection", "Classification", "Splitting"]),
    ],
    cLanguageStandard: .gnu11
)

// The fuzzer links libFuzzer, which only a build with its flags has: ANABRANCH_FUZZ=1 swift build … (see "Frames on links").
if Context.environment["ANABRANCH_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz-frames", dependencies: ["Splitting"], path: "Tests/fuzz-frames", swiftSettings: settings))
}

// A sanitizer or an optimized build for some test targets need not build the others:
// ANABRANCH_TESTS=TrackingTests,SimulationTests swift test …
if let names = Context.environment["ANABRANCH_TESTS"] {
    let wanted = names.split(separator: ",").map(String.init)
    package.targets.removeAll { $0.type == .test && !wanted.contains($0.name) }
}
