import subprocess, time
from helpers import *
def test_a(mount):
    mount.ls("instances")
    p=subprocess.Popen(["unshare","-m","--propagation","private","sleep","3"])
    time.sleep(.3)
    t=time.monotonic()
    print(run(["fusermount3","-u",mount.path]).returncode)
    mount.process.wait(20); print("daemon ended after", time.monotonic()-t)
    p.wait()
