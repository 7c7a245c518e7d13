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

let package = Package(
    name: "anabranch",
    targets: [
        .systemLibrary(
            name: "CNetfilterQueue", pkgConfig: "libnetfilter_queue",
            providers: [.apt(["libnetfilter-queue-dev", "libmnl-dev"])]),
        .target(name: "CLinuxShims"),
        module("Logging"),
        module("JSONText"),
        module("Wire"),
        module("Selection", ["CXXHash", "Wire"]),
        module("Classification", ["Wire", "Selection"]),
        module("Configuration", ["JSONText", "Wire", "Selection", "Classification"]),
        tests("ClassificationTests", ["Classification", "Wire", "Selection"]),
        tests("ConfigurationTests", ["Configuration", "JSONText", "Wire", "Selection", "Classification"]),
        tests("JSONTextTests", ["JSONText"]),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        module("Selection", ["CXXHash", "Wire"]),
        tests("SelectionTests", ["Selection", "Wire"]),
        module("Wire"),
        .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
        module("Capture", ["CPcap"]),
        // Packets and random numbers for tests.
        .target(
            name: "PacketBuilding", dependencies: ["Wire"], path: "Tests/PacketBuilding", swiftSettings: settings),
        tests("WireTests", ["Wire", "PacketBuilding"]),
        tests("CaptureTests", ["Capture", "Wire", "PacketBuilding"]),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        module("Wire"),
        module("Selection", ["CXXHash", "Wire"]),
        tests("SelectionTests", ["Selection", "Wire"]),
        module("Wire"),
        module("Forecasting"),
        tests("ForecastingTests", ["Forecasting"]),
    ]
        module("Wire"),
        tool("floor"),
        tool("traffic"),
    ],
    cLanguageStandard: .c11
)
