package io.hybridfs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/** Who this process is, from Linux's /proc, because Java 8 tells neither user nor groups by number. */
final class ProcessInfo {
    static final long PID;
    /** -1 where there is no /proc. */
    static final int UID;
    private static final Set<Integer> GROUPS = new HashSet<>();

    static {
        long pid = 0;
        int uid = -1;
        try {
            for (String line : Files.readAllLines(Paths.get("/proc/self/status"))) {
                String[] words = line.split("\\s+");
                if (words[0].equals("Pid:")) {
                    pid = Long.parseLong(words[1]);
                } else if (words[0].equals("Uid:")) {
                    uid = Integer.parseInt(words[2]);
                } else if (words[0].equals("Gid:") || words[0].equals("Groups:")) {
                    for (int i = 1; i < words.length; i++) {
                        GROUPS.add(Integer.parseInt(words[i]));
                    }
                }
            }
        } catch (IOException | RuntimeException noProc) {
            uid = -1;
        }
        PID = pid;
        UID = uid;
    }

    private ProcessInfo() {
    }

    static boolean inGroup(int group) {
        return GROUPS.contains(group);
    }

    /** A file name that no other process and no other thread makes. */
    static String uniqueName() {
        return String.format("%d-%016x", PID, ThreadLocalRandom.current().nextLong());
    }
}
