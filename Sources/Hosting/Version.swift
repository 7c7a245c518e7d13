/// The program's version.
public enum Version {
    /// As `anabranch version` prints it.
    public static var text: String { "0.1.0" }
}
