// A correlation from C#, as Unity calls it: mcs Tapetum.cs && mono Tapetum.exe

using System;
using System.Runtime.InteropServices;

[StructLayout(LayoutKind.Sequential)]
public struct TapetumArray {
    public IntPtr elements;
    public uint dtype, rank;
    [MarshalAs(UnmanagedType.ByValArray, SizeConst = 8)] public UIntPtr[] shape;
    [MarshalAs(UnmanagedType.ByValArray, SizeConst = 8)] public IntPtr[] strides;
}

public static class Tapetum {
    [DllImport("tapetum")] public static extern IntPtr tapetum_message();
    [DllImport("tapetum")] public static extern int tapetum_device_open(string name, out IntPtr device);
    [DllImport("tapetum")] public static extern int tapetum_device_free(ref IntPtr device);
    [DllImport("tapetum")] public static extern int tapetum_connectivity(
        IntPtr device, ref TapetumArray series, UIntPtr count, string options, out IntPtr results);
    [DllImport("tapetum")] public static extern int tapetum_results_copy(
        IntPtr results, string name, float[] elements, uint dtype, UIntPtr capacity);
    [DllImport("tapetum")] public static extern int tapetum_results_free(ref IntPtr results);
    [DllImport("tapetum")] public static extern UIntPtr tapetum_handles();

    static void Must(int status) {
        if (status != 0) throw new Exception(Marshal.PtrToStringAnsi(tapetum_message()));
    }

    // Correlations [regions, regions] of series [time, regions].
    public static float[] Correlation(float[] series, int time, int regions) {
        IntPtr device = IntPtr.Zero, results = IntPtr.Zero;
        var pinned = GCHandle.Alloc(series, GCHandleType.Pinned);
        try {
            var array = new TapetumArray {
                elements = pinned.AddrOfPinnedObject(), rank = 2, shape = new UIntPtr[8], strides = new IntPtr[8],
            };
            array.shape[0] = (UIntPtr)time;
            array.shape[1] = (UIntPtr)regions;
            Must(tapetum_device_open("cpu", out device));
            Must(tapetum_connectivity(device, ref array, (UIntPtr)1, null, out results));
            var values = new float[regions * regions];
            Must(tapetum_results_copy(results, "values", values, 0, (UIntPtr)values.Length));
            return values;
        } finally {
            pinned.Free();
            tapetum_results_free(ref results);
            tapetum_device_free(ref device);
        }
    }

    static int Main() {
        // By hand: of 1 2 3 4 and 2 1 3 5, the correlation is 5.5 / sqrt(5 * 8.75).
        var r = Correlation(new float[] { 1, 2, 2, 1, 3, 3, 4, 5 }, 4, 2);
        Console.WriteLine("correlation {0}, handles left {1}", r[1], tapetum_handles());
        string message = "";
        try {
            Correlation(new float[] { 1, 2 }, 1, 2);
        } catch (Exception e) {
            message = e.Message;
        }
        bool right = Math.Abs(r[1] - 5.5 / Math.Sqrt(5 * 8.75)) < 1e-6 && r[2] == r[1] && message.Contains("at least 2 frames");
        return right && tapetum_handles() == UIntPtr.Zero ? 0 : 1;
    }
}
