using System.IO.Compression;

namespace Quorate.Tests.Migrate;

/// <summary>
/// A snapshot that etcdctl 3.4.23 took of etcd 3.4.23: 60 puts of key1 to key60, a delete of key3, a lease of 600 s, leased, key4 again,
/// a compaction at 20, a value of 20,000 bytes, users root and alice, the role r1.
/// </summary>
internal static class EtcdSnapshotSample
{
    private const string Packed = """
        H4sIAAAAAAACA+2dW4wT1xnHbe/9fna5He7LsNyWxTvj23gMlNvChkAI3QRampCNdz1mrfVl8WW7bETVSqlIpVbtS9I8pClUTZOHqlRKEymhoVXSm1SlL1Ul
        RNWHXlVVBUVNqqhJWzqze47Z+Y6ARUGCqP/fyh7/7P/M2P6MmW+O7fH5ZqkV0yuXW68E3Ats1tt9Xq4JOoQvEtMzXcf/G7sQ+LkPAAAAAAAAAAAA9xz+j9j/
        LxTT9C9y7255r+ElPKMAAAAAAAAAAMC9R6A63VG97p0an6/Tma4Q3lbr9V7ig8RTxL9A/HniF4hfIv5P4avkPoc6r4eJDxE/SfxrxM8T/xXxK8Rb672+mfj9
        xDPEnyL+IvGfEf8z8doGr68lvpt4kvjniX+T+EXivyP+b+LLG72eIH6M+BTxrxN/lfhviL9HfEGT10PEP0l8gvhXiX+P+NvE/068pdnrvcT3Ex8jfob4d4j/
        lPifiNe0eF1zvMuZ1sv7I25fLnyf8AVz3gaG5aXm2nH7lMECPNDt722fTGYrdne+khuxi92GXJ83HGI1vEYJh+SL1RsOs1peq4TDIlLnDUdYHa9TwhERqfeG
        o6ye1yvhqIg0eMMx1sAblHBMRBq9YZM18kYlbIpIkzccZ028SQnHZcQbtlgzb1bClnxdXQ/XuUXRWQtvcdId3qro8m2JxA3WylvVuKxiG4mHWBtvU+Oyju0k
        HmbtvF2Ny0p2kHiEdfAONS5ryUg8yhhnalxWs5PEY6yTd6pxWc8uEjdZF+9S47KiC0g8zhbwBWpc1nQhiVtsIV+oxmVVF3njIZ0t4ouUeEhWdTGJG2wxX6zG
        ZVWXkHiILeFL1LisKifxMOOcq3FZ1aUkHmFL+VI1Lqu6jMSjbBlfpsZlVZeTeIwt58vVuKzqChI32Qq+Qo3Lqq4k8ThbyVeqcVnVVSRusVV8lRqXVV3tjYd1
        tpqvVuJhWdVuEjdYN+9W47Kqa0g8xNbwNWpcVlUj8TDTuKbGZVXXkniEreVr1bisag+JR1kP71HjsqrrSDzG1vF1alxWdT2Jm2w9X6/GZVU3kHicbeAb1Lis
        6kYSt9hGvlGNy6pu8sYjOtvENynxiKxqL4kbrJf3qnFZ1c0kHmKb+WY1LqvaR+Jh1sf71Lis6hYSj7AtfIsal1UNkniUBXlQjcuq9pN4jPXzfjUuq6qTuMl0
        rqtxWVWDxOPM4IYal1UNkbjFQjykxmVVw954VGdhHlbiUVnVCIkbLMIjalxWNUriIRblUTUuqxoj8TCL8Zgal1U1STzCTG6qcVnVOIlHWZzH1bisqkXiMWZx
        S43LqiZI3GQJnlDjsqpbSTzOtvKtalxWdRuJW2wb36bGZVW3e+MxnW3n25V4TFb1E9V4eXbDVNiO64upz9rJkp1iO/gOZzn+Kf3N73/w9oc/eul9uaG9U91c
        3dkd6K1Lnkhm8h+P/r+m2v83z0zdzwOcdbfE3f+khL/im/18wIDwK+5W75zb6/1eX+2cOS2ib4/wY/7Z9TDhj/pnl79X+DMi/7rwwYCz/ThneenA7PrPu71s
        NlnM3WpnRrJSHrtxxl+97N6hVnd7X8wzZE9mSpmCLJ1/5rpC1i7NZ4VHSnbxlsHRbKVUtovzvXPtohJitqPOGpy7Fw5GgrrzeguQuWdervNdtPuY29ztnKvn
        rr128dndjdUXN7tUm7Pdfyyl+S7LPU27bx+2GTbT9shIbMSybNt+QsuktIRhRAwzZuhGWI+ZYcuyola8T5uw7eKRoYMlLfGINlYuTyT6+42QGdSdPyMRCoXj
        una8T8snc7aW0FJ2OlnJlrU+bTSbsfPlm81oWtrx0+IBDBftXGHSTt2qLDm7nLxxpqZ6WZ/z5M28vfpmO+1O4QdEV+36aCFfyjhVy5eHM/mUPSUiA+lMPlMa
        s1N7CrmJ5GjZec0pfURp1Lm9kr1pBgAAAAAAAABuk9pql5OoXneWjP+/Qfwy8feJLyTj9wbxQ8THiT9F/AUy/v8T4n8kHiDj9WuI7yQ+TPxzxL9B/IfEf0v8
        A+JLyfh9nPiniE8Sf5r4D4j/mvg/iHeS8Xqd+IPE88S/Qvy7xH9J/G/Em8h4/Ubig8TTxL9I/NvE3yL+B+J+Ml7fTXwH8ceInyb+HPELxC8T/xdxTsbvTeJH
        iVeI+zBej/F6jNdjvB7j9Rivx3g9xusxXo/x+rs/Xg8+htRV+3/vKKenPyTujo/P/Xyx7259VgMAAAAAAAAAAADzon5O/19L+n/5feGDPu/3hR8X3n+oupg7
        /a2JXdczNSOZE2wX3+Us7Oxz/hEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAD3BPhFv9ujRUz94vf/5W//yd8CNITL
        4wSEhNd7FxOgxyXfRq/YgSOXAwAAAAAAAAAAd4tW2cD7msV+AJ/vrOj3u4W/IvYHDAi/4pya5txe7/f6aueswZnuEX7MOXP3LjDhj/pnl79X+DMi/7rwwYDP
        1zFneenA7PrPO6dkNlnM3ejBBMQ0WSmP3Tjjr15m4gloFPMM2ZOZUqYgD0Lgn7mukLVL81nhkZJdvGVwNFsple3ifO9cu6iEmO2oswbn7oWDkaA+bp9qIXPP
        HHhhvot2H3Obc1p19dy11y4+u7uxepgGdqk2Z7sHYCzNd1nuado5WbYZNtP2yEhsxLJs235Cy6S0hGFEDDNm6EZYj5lhy7KiVrxPm7Dt4pGhgyUt8Yg2Vi5P
        JPr7jZAZ1J0/IxEKheO6drxPyydztpbQUnY6WcmWtT5tNJux8+WbzWha2vHT4gEMF+1cYdJO3aosObucvHHGe2RM+eS5uIc+dY+E2Sn8gG/2KBmujxbypYxT
        tXx5OJNP2VMisi+dyWdKY3ZqTyE3kRwtO685ccv145KXRp3bK9mbZgAAAAAAAADgNmm7g/3/tPBTpP9/mfT/r5L+/x3S/58j/f+P71L/H7iT/b93re7D2eec
        ioVCubnWPe/a1hNK9hh6T+rhwvTJePGz0QPpgX1TdmbycPnEUOWUFU0WSsX0wd3Gsb364WxuctfukeD+sfEHjqaH8iENexb+7/csDGLPAgAAAAAAAOBmtH+E
        /l96r+j/Lwv/D+n/zYC3/08EvP1/OeDt/9fVePv/gZq70//Xz6P/9y4sILq2otEcKBpdrY2Brpr+ZP8y50yfxz6CQPVytyjBAeGPz9lnkMxmRu3muplJda/B
        1H2FPfsPZ3aV74s8tCuVHAymk0bmwcL+w+PZwROfGcgdGj9WPnTocDqYDj18cqJSuX/y05WHljl3UsM+COyDuGP7IA5gHwQAAAAAAAD3LmvOGMPTv//Wk1fN
        p99qfv5L7/715ccm/9Iy/cCbH55+48svvhD8H+NXTDMg8AAA
        """;

    public static byte[] Bytes()
    {
        using var gzip = new GZipStream(new MemoryStream(Convert.FromBase64String(Packed.ReplaceLineEndings(""))), CompressionMode.Decompress);
        var bytes = new MemoryStream();
        gzip.CopyTo(bytes);
        return bytes.ToArray();
    }
}
