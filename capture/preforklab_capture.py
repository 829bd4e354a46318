#!/usr/bin/env python
"""Takes a profile of a Python application just before it forks, for Prefork Lab. Linux, CPython 2.7 to 3.13, standard library only.

    python preforklab_capture.py --app package.module:application --get / --get '/item/{n}/' -o NAME.profile.gz

Three processes take part. The launcher (this script, `main`) starts the master, a fresh interpreter (with --server, that of
the server) that runs nothing but STUB: it loads the application and then waits. While it waits the launcher reads its memory through /proc: pools, collector
lists, page tables, reference counts. Whatever needs code inside the application (walking the objects, serving and tracing
requests) happens in children forked from the master, so that the master's heap stays as the application made it.

docs/CAPTURE.md describes use, format and privacy. Start reading at `capture`.
"""
from __future__ import print_function

import sys

STUB = r'''
import gc, os, sys, time
def stub():
    given = sys.argv[1:]
    sys.argv = ["preforklab"]
    # server: arguments
    reply, commands, child_commands, mode, kind, names, headers = given[:7]
    reply, commands, child_commands = int(reply), int(commands), int(child_commands)
    own = gc.get_threshold()
    tracing = mode == "traced"
    if mode in ("disabled", "traced"):
        gc.disable()
    elif mode != "enabled":
        gc.set_threshold(*[int(t) for t in mode.split(",")])
    def say(text):
        os.write(reply, (text + "\n").encode("utf-8"))
    def line(fd):
        got = b""
        while not got.endswith(b"\n"):
            c = os.read(fd, 1)
            if not c:
                os._exit(3)
            got += c
        return got.decode("utf-8")[:-1]
    if tracing:
        say("B %s" % " ".join(str(s[k]) for s in gc.get_stats() for k in ("collections", "collected", "uncollectable")))
        path, output, count0, head, collector, told = line(commands).split("\t")
        finders, markers = set(sys.path_importer_cache), ([], [])
        import mmap
        room, events = mmap.mmap(-1, 1 << 20, prot=7), mmap.mmap(-1, 3 << 28)
        del sys.modules["mmap"]                       # the application is to load it itself, and to look where it is
        for directory in set(sys.path_importer_cache) - finders:
            del sys.path_importer_cache[directory]
        r, w = os.pipe()
        if os.fork() == 0:                            # what prepares the hook leaves no trace here: a child does it, in shared memory
            try:
                tracked = [len(gc.get_objects())]     # now and after a collection of each generation: what is there does not stay on the lists
                for generation in (0, 1, 2):
                    gc.collect(generation)
                    tracked.append(len(gc.get_objects()))
                off = [str(tracked[g] - tracked[g + 1]) for g in (0, 1, 2)]
                space = {"__name__": "preforklab_load", "__file__": path}
                with open(path, "rb") as f:
                    exec(f.read(), space)
                space["arm"](w, room, events, int(count0), int(head), [int(a) for a in collector.split(",")] + [id(marker) - int(head) for marker in markers], off)
            finally:
                os._exit(0)
        os.close(w)
        said = line(r).split("\t")
        os.close(r)
        os.wait()
        if said[0] == "E":
            say("E " + said[1])
            os._exit(2)
        memory = os.open("/proc/self/mem", os.O_RDWR)
        on, off = [[(int(word.split(":")[0]), bytes.fromhex(word.split(":")[1])) for word in words.split(" ")] for words in said[3:5]]
        if said[2] != "0":
            gc.set_threshold(int(said[2]), 0, 0)
            gc.enable()
        for at, data in on:
            os.pwrite(memory, data, at)
    targets, application, begun = {}, None, [0]       # begun: events up to where a server comes to load the application
    for name in names.split():
        try:
            module, _, attribute = name.partition(":")
            __import__(module)
            if not attribute:
                continue
            target = sys.modules[module]
            for part in attribute.split("."):
                target = getattr(target, part)
            if not callable(target):
                raise TypeError("not callable")
            targets[name] = target
            if application is None:
                application = target
        except BaseException as e:
            say("E cannot load %s: %s: %s" % (name, type(e).__name__, str(e).replace("\n", " ")))
            os._exit(2)
    # server: load
    module = target = attribute = part = None
    if tracing:
        for at, data in off:
            os.pwrite(memory, data, at)
        gc.disable()
        try:
            space = {"__name__": "preforklab_load", "__file__": path}
            with open(path, "rb") as f:
                exec(f.read(), space)
            space["LoadTrace"](output, room, events, int(head), said[1], [int(a) for a in collector.split(",")[3:]], int(said[5]), [int(n) for n in said[6].split(",")], told, begun[0]).write()
            say("D 0 0")
        except BaseException as e:
            say("E %s: %s" % (type(e).__name__, str(e).replace("\n", " ")))
        os._exit(0)
    from io import BytesIO
    extra = dict(h.split("=", 1) for h in headers.split("\n") if h)
    # server: loaded
    clock = getattr(time, "process_time", None) or time.clock
    def request(text):
        method, path, query, content, body = text.split("\t")
        if method == "CALL":
            start = clock()
            targets[path]()
            return 200, int((clock() - start) * 1e9)
        # server: request
    def child():
        gc.disable()
        say("C %d" % os.getpid())
        while True:
            word, _, rest = line(child_commands).partition(" ")
            if word == "req":
                try:
                    say("D %d %d" % request(rest))
                except BaseException as e:
                    say("E request failed: %s: %s" % (type(e).__name__, str(e).replace("\n", " ")))
            elif word == "run":
                path, function, argument = rest.split("\t")
                try:
                    space = {"__name__": "preforklab_child", "__file__": path}
                    with open(path, "rb") as f:
                        source = f.read()
                    code = compile(source, path, "exec")
                    exec(code, space)
                    space[function](argument, request)
                    say("D 0 0")
                except BaseException as e:
                    say("E %s: %s: %s" % (function, type(e).__name__, str(e).replace("\n", " ")))
            else:
                os._exit(0)
    say("L %d %d %s %d %d %d %d %d %d %d" % ((len(sys.modules), sys.hexversion, sys.version.split()[0], gc.isenabled()) + gc.get_threshold() + own))
    gc.disable()                                      # or a child might collect before it comes to do so itself
    while True:
        word = line(commands)
        if word == "fork":
            if os.fork() == 0:
                child()
        elif word == "wait":
            os.wait()
            say("W")
        else:
            os._exit(0)
stub()
'''

# How a request is made where no server is: of an application that is called with an environ of its own.
PLAIN = {"request": '''
        body = body.encode("utf-8")
        status = []
        start = clock()
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
                   "HTTP_HOST": "127.0.0.1", "REMOTE_ADDR": "127.0.0.1", "SCRIPT_NAME": "", "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": BytesIO(body),
                   "wsgi.errors": sys.stderr, "wsgi.multithread": False, "wsgi.multiprocess": True, "wsgi.run_once": False}
        if content:
            environ["CONTENT_TYPE"] = content
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))
        environ.update(extra)
        result = application(environ, lambda s, h, e=None: status.append(s))
        b"".join(result)
        if hasattr(result, "close"):
            result.close()
        return int(status[0][:3]), int((clock() - start) * 1e9)
'''}

# What the stub does besides when the application is served by gunicorn: the master is gunicorn's own arbiter, a child one of
# its workers once it has got the request START, and a request comes through a socket from `Client`.
GUNICORN = {
    "arguments": "    server, asked, answers, workers = given[7], int(given[8]), int(given[9]), []",
    "load": r'''
    try:
        from gunicorn.app.wsgiapp import WSGIApplication
        from gunicorn.arbiter import Arbiter
        sys.argv = ["gunicorn", "--preload", "--workers", "1", "--worker-class", "sync", "--bind", "127.0.0.1:0", "--log-level", "error", "--timeout", "120", "--worker-tmp-dir", "/dev/shm", server]
        served = WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]")
        if tracing:
            load = served.wsgi
            def wsgi():
                begun[0] = int.from_bytes(room[16:24], "little")
                return load()
            served.wsgi = wsgi
        arbiter = Arbiter(served)
        arbiter.start()
        import signal
        for number in list(arbiter.SIGNALS) + [signal.SIGCHLD]:
            signal.signal(number, signal.SIG_DFL)
        port = arbiter.LISTENERS[0].sock.getsockname()[1]
    except BaseException as e:
        say("E gunicorn cannot load %s: %s: %s" % (server, type(e).__name__, str(e).replace("\n", " ")))
        os._exit(2)
''',
    "request": r'''
        if method == "START":
            start = clock()
            arbiter.worker_age += 1
            worker = arbiter.worker_class(arbiter.worker_age, arbiter.pid, arbiter.LISTENERS, arbiter.app, arbiter.timeout / 2.0, arbiter.cfg, arbiter.log)
            arbiter.cfg.pre_fork(arbiter, worker)
            worker.pid = os.getpid()
            arbiter.cfg.post_fork(arbiter, worker)
            worker.is_parent_alive = lambda: False    # when nobody waits, return instead of waiting
            worker.init_process()
            workers.append(worker)
            return 200, int((clock() - start) * 1e9)
        os.write(asked, ("%d\t%s\n" % (port, text)).encode("utf-8"))
        failed = line(answers)                        # it has connected
        if failed:
            raise RuntimeError(failed)
        start = clock()
        workers[0].run()                              # until nobody waits
        took = int((clock() - start) * 1e9)
        said = line(answers)
        if not said.isdigit():
            raise RuntimeError(said)
        return int(said), took
'''}


# ... and when uWSGI's interpreter loads it: the master is uWSGI's own, which goes no further; its workers are not begun.
UWSGI = {
    "arguments": r"""
    given = os.environ["PREFORKLAB_CAPTURE"].split("\x1f")
    sys.argv = ["uwsgi"]
    for fd, own in ((1, int(given[7])), (2, int(given[8]))):
        os.dup2(own, fd)                              # what it says from now on is the application's
        os.close(own)
""",
    # As uWSGI's plugin does it: one environ for all requests, cleared behind each, one start_response, and an input that the
    # collector does not know.
    "loaded": r"""
    environ, status, body_input, node = {}, [], BytesIO(), os.uname()[1].encode("utf-8")
    def start_response(s, h, e=None):
        status.append(s)
""",
    "request": r"""
        body = body.encode("utf-8")
        del status[:]
        start = clock()
        body_input.seek(0)
        body_input.truncate()
        body_input.write(body)
        body_input.seek(0)
        environ["QUERY_STRING"] = query
        environ["REQUEST_METHOD"] = method
        if content:
            environ["CONTENT_TYPE"] = content
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))
        environ["REQUEST_URI"] = path + "?" + query if query else path
        environ["PATH_INFO"] = path
        environ["SERVER_PROTOCOL"] = "HTTP/1.1"
        environ["SCRIPT_NAME"] = ""
        environ["SERVER_NAME"] = "127.0.0.1"
        environ["SERVER_PORT"] = "80"
        environ["REMOTE_ADDR"] = "127.0.0.1"
        environ["HTTP_HOST"] = "127.0.0.1"
        environ["wsgi.version"] = 1, 0
        environ["wsgi.url_scheme"] = "http"
        environ["wsgi.input"] = body_input
        environ["wsgi.errors"] = sys.stderr
        environ["wsgi.multithread"] = False
        environ["wsgi.multiprocess"] = True
        environ["wsgi.run_once"] = False
        environ["uwsgi.version"] = sys.modules["uwsgi"].version
        environ["uwsgi.node"] = node
        for name in extra:
            environ[name] = extra[name]
        result = application(environ, start_response)
        for part in result:
            pass
        if hasattr(result, "close"):
            result.close()
        result = part = None
        environ.clear()
        return int(status[0][:3]), int((clock() - start) * 1e9)
"""}

# What the master begins with: a child compiles the stub, so that nothing of the compiler's is left where the application comes to load.
# In the place of the %r comes the path of its source. Before a traced load the interpreter halts first of all, see `load_traced`.
# Where the collector is to be off it is so before the stub, which might start a collection.
# uWSGI imports it as a module, which a run of its own has compiled before, as most servers' are.
COMPILED = "import os\nif 'PREFORKLAB_COMPILE' in os.environ: os._exit(0)\n"
HALT = "import gc, os; os.kill(os.getpid(), %d); gc.disable()\n"
OFF = "import gc; gc.disable()\n"
BEGIN = r'''
import marshal, os
r, w = os.pipe()
if os.fork() == 0:
    with open(%r, "rb") as f, os.fdopen(w, "wb") as out:
        out.write(marshal.dumps(compile(f.read(), "preforklab_stub", "exec")))
        out.flush()
        os._exit(0)
os.close(w)
f = os.fdopen(r, "rb")
code = f.read()
f.close()
os.wait()
f = r = w = None
exec(marshal.loads(code))
'''

START = "START\t\t\t\t"


def stub(server):
    """The source that the master runs."""
    parts = {"gunicorn": GUNICORN, "uwsgi": UWSGI}.get(server, PLAIN)
    lines = [parts.get(l.strip()[10:], "") if l.strip().startswith("# server: ") else l for l in STUB.splitlines()]
    return "\n".join(l for l in lines if l) + "\n"


# --- machine code of alloc_trace.c, x86-64, gcc 12.2.0; written by build_alloc_trace.py
TRACE_OFFSETS = (3552, 4048, 4576, 5216)  # malloc, calloc, realloc, free
TRACE_CODE = (
    "QVdBVkFVVVNIg+wQTItuEE2F7Q+E1wAAAEiJ9UGJ1zHbRTH2SIt03RhIhfYPhJ4AAABIi1YISIuCqAAAAPbEQHQfqQAAAIB0CfaG"
    "qQAAAAJ0D0g7l9AAAAB0JUG+AQAAAEiDwwFMOet1ukiDxBBEifBbXUFdQV5BX8NmDx9EAABIi0cwSInySCnCSIP4IHQwSIM6AHTL"
    "QYP/CHS/QY1XAUiJfCQI6Fb///9Ii3wkCIXAuAEAAABED0Xw66UPH0AASItCEEjR+EiD+P51yeuSkEiDxBBBvgIAAABbRInwXUFd"
    "QV5BX8NmLg8fhAAAAAAASIPEEEUx9ltEifBdQV1BXkFfw2ZmLg8fhAAAAAAAZpBBV0FWSYnOQVVJidVBVEmJ9FVIif1TSIs/TItf"
    "QEiLdxBMi38ITYXbdF1Ii19ITItXUDHADx9AAEiLFMNIYwpBOQyCdDlMOf5zNEiJ8kGJDIJIg8YBSMHiBUgDF0iJSgiJwcHhCEjH"
    "AgAAAACDyQREiUIUiUoQSMdCGAAAAABIg8ABTDnYdbFIiXcQTDn+D4M8AQAASI1GAUjB5gVIiUcQSAM3dFhIi1UwTIkuTIl2CInQ"
    "weAIRAngSIN/WAB0B0nB4RBECchIi09wRAOHAAEAAIlGEDHARIlGFMeHAAEAAAAAAABIhcl0CosBhcAPlcAPtsBIiUYYSIP6AnQT"
    "W11BXEFdQV5BX8MPH4QAAAAAAEiLl7gAAABNheR1TEiJdzhIi4egAAAASIXAdNFIi18wSI1TEEk51nLESIuPmAAAAEiLt5AAAABI"
    "OcEPhCMBAABIjUEBSImHmAAAAEyJLM7rnA8fgAAAAAC4CQAAAEwPo+BybUiF0g+FggAAAEiDv6AAAAAAD4Rz////SIuHmAAAAEyN"
    "QP9MicDrIWYPH0QAAEiLt5AAAABIjQzGSIPoAUiLEUiD4v5JOdV0dEiD+P913+k3////Zi4PH4QAAAAAAEiDRxgBW11BXEFdQV5B"
    "X8NIg7/AAAAAAEiLh6AAAAAPhDL///9IiXc46Sn///9MjUL/SIu3sAAAAEyJwg8fQABIiwzWSInQSI1S/0iD4fhJOc10HkiD+v91"
    "5ulN////TImHmAAAAEqLBMZIiQHpu/7//0yJh7gAAABMOcAPgyr///9mDx9EAABIg8ABSIsUxkiJVMb4SDuHuAAAAHLq6Qn///9I"
    "icFI0elIiY+YAAAAD4TK/v//MdLrDWYPH0QAAEiLh6AAAABIAdBIKchIiwTGSIkE1kiLj5gAAABIg8IBSDnKctvplv7//2YPH0QA"
    "AEiLB0iDuOAAAAAAD4RnAQAASIN/MAIPhVwBAABIi1BwixKF0g+FTgEAAEiLSChIi1B4SIu4+AAAAEyLiCABAABIKcpIK0gwSI1x"
    "/EiJ0UgPuvE/SAHxTItBCEmD4PxMOccPhBEBAABIg7jwAAAAAA+FpgAAAEyLgOgAAABNicJMK5AYAQAATDuQEAEAAA+CiAAAAEyJ"
    "gBgBAABMi1cITIsfSYPi/E2JGk2LQwhBg+ADTQnQTYlDCE2LUQhJg+L8SYk6TItHCEGD4ANNCdBMiUcITYsRTIkXTYtCCEGD4ANJ"
    "CfhNiUIITItRCEmD4vxMOdcPhIkAAABNiQpNi0EIQYPgA00J0E2JQQhJiQlMi0EIQYPgA00JwUyJSQhIx4DwAAAAAAAAAEyLQQhM"
    "iw9Jg+D8STnJdEJI0epIiQ9IjQQySItRCIPiA0gJ+kiJUQhIi0gISIPh/EyJCUmLUQiD4gNICcpJiVEISYkASItQCIPiA0wJwkiJ"
    "UAjDDx+AAAAAAEyJD02LQQhBg+ADSQn46XL///9mZi4PH4QAAAAAAGaQQVZIiflBVUFUVVNIg79IAQAAAEiLb3APhAMDAACLRQBM"
    "i0cohcAPhZQBAABIY0UASImBUAEAAEiLseAAAABBizhIifBIhfYPhCsBAABIi4HoAAAAMdJFMclI9/ZBiwCB////fwBBD5/BQcHh"
    "GEQpyAGBAAEAAEHHAAAAAAFIhdJBD5XBMcCB////fwAPnsBMIchICYHwAAAAgf///38AD45zBAAASIt5eEiJ+EiF0g+EswIAAEkB"
    "+McHAAAAAEnR6EHHAAEAAABIi4GAAAAASMcAAAAAAEiLQThIi5G4AAAASIXAdHpIi3EwSMdBOAAAAABIg/4QD4T8AwAATItACEiN"
    "fhBJOfgPgysCAABIi3gYSIX/dEpIO5HAAAAAc0FIObnQAAAAD4SMBQAASDm5yAAAAHQJSDm52AAAAHUiTIsISIuBsAAAAEiNcgFI"
    "ibG4AAAATIkM0EiLkbgAAABmkEiF0g+FDwIAAFtdQVxBXUFew2YPH0QAAEiDuYgAAAAAD4RSAQAAi1UAhdIPhEcBAABBxwAAAAAB"
    "gf///38AD4/AAQAASIO5oAAAAAAPhLIBAAC6AQAAAOlzAwAADx9AAEiDv1ABAAAAD4Ve/v//TItnWE2F5A+EUf7//0yLV2BJweQF"
    "TQHUZi4PH4QAAAAAAEmLehAx9kiF/3QITYtqCEmLdQBNiwpBiwFBiUIYQYsBhcAPjqgAAABIi1kwTItZCDHS610PH0AASItBEEw5"
    "2A+DcwQAAEyNaAFIweAFTIlpEEgDAXQsSYn1x0AQDAIAAEkp3UjHQAgAAAAATIkoRYsoSMdAGAAAAABEiWgUSIX/dARIi3YYQYsB"
    "SIPCATnQfj9Ihf91ok2LaghIi0EQSYt01QBMOdgPg/wDAABMjXABSMHgBUyJcRBIAwF1mUGLAUiDwgE50H/SDx+EAAAAAABJg8Ig"
    "TTnUD4Uj////6Vr9//9mDx9EAABIi5GgAAAAgf///38AfmlIhdJ0eEiLkagAAABBizCNuv///wA59w+MygQAALgAAIAAQYswKdAB"
    "wDnGfVBBiwCNBFBBiQDrRZBIhe0PhK39//9Mi0co6QX9//9mDx9EAABIizhIi3w+CEiJeBjpyP3//w8fgAAAAABBiwAFAAAAAUGJ"
    "AEiF0g+FTv7//0iLQXjHAAAAAAHpVf3//w8fRAAASIuZsAAAADHtRTHA60FmLg8fhAAAAAAAMdJJgzkAD5TCg+ABhdJ1T0iFwA+F"
    "rwAAAE+NHBFMi6HQAAAATTljCHRuSYPAAUw7gbgAAABzSkqLBMNMi1EwSYnBSYPh+EmD+iB1tEmLURBI0fpIg/r+D5TCD7bS66pI"
    "hcAPhLAAAABJg8kBSYPAAUyJDOtIg8UBTDuBuAAAAHK2W0iJqbgAAABdQVxBXUFeww8fgAAAAAAx0kyJ3kiJz+hb9v//hcAPhIMB"
    "AACD+AIPhXT///9MiQzrSIPFAeln////Dx9EAABIi0EQSDtBCA+DcgIAAEiNUAFIweAFSIlREEgDAQ+ELv///0iLUSjHQBAHAgAA"
    "TIkIixJIx0AIAAAAAEjHQBgAAAAAiVAU6Qb///8PH0QAAEiLQRBIO0EID4MEAwAASI1QAUjB4AVIiVEQSAMBD4Qt////SItRKMdA"
    "EAYCAABMiQiLEkjHQAgAAAAASMdAGAAAAACJUBTpBf///w8fRAAASIs4SIs/SIPvAUiB////DwAPh+37///pTPz//w8fQABIg7mg"
    "AAAAAA+Ef/v//0iF0g+Uwg+20kiLQRBIi1kISDnYD4MQAwAASI14AUjB4AVIiXkQSAMBdCBIiVAIx0AQCwIAAEGLEEjHAAAAAACJ"
    "UBRIx0AYAAAAAEyLkZgAAABIg4HoAAAAAU2F0g+FdwEAAEyJkZgAAABIi3l4SIX2dBVIi4HoAAAAMdJI9/ZIhdIPhQf7///HBwAA"
    "AAHpD/v//w8fgAAAAABIi0EQTItpCEw56A+D8wEAAEiNUAFIweAFSIlREEgDAXQjSItRKMdAEAgCAABMiQiLEkjHQAgAAAAASMdA"
    "GAAAAACJUBQx0kmDexAASY1zGHUX6aP9//9Ig8IBSIPGCEk7UxAPg5H9//9IiwZMO2AIdeVIg3gQAHTeTCnQSInHSYP6IA+EnwAA"
    "ADHASIM/AA+UwIXAdcFIi0EQTDnoD4P3AQAATI1wAUjB4AVMiXEQSAMBdKNIiXgISIt5KMdAEAkCAACLP0yJCEjHQBgAAAAAiXgU"
    "64IPHwBIg0EYAenU+///Zg8fRAAASINBGAHpwPv//2YPH0QAAEyLCE6LVA4QSo101hhJOfAPhV76///pbvr//w8fRAAASINBGAHp"
    "x/z//2YPH0QAAEiLQBBI0fhIg/j+D5TAD7bA6VT///9mkEyLqUgBAAAx7U2F7UAPlMVMOdUPg0sBAABMi6GQAAAATItZMEmJ6UyJ"
    "5+tiDx9AADHASIM6AA+UwIXAdEBIi0EQSDnYc2pMjXABSMHgBUyJcRBIAwEPhDX+//9IiRBIixfHQBAGAAAAg+IBSIlQCEGLEEjH"
    "QBgAAAAAiVAUSYPBAUiDxwhNOdEPg50AAABIixdIg+L+SYP7IHWVSItCEEjR+EiD+P4PlMAPtsDri2aQSINBGAHp1v3//0iDQRgB"
    "6TT8//9Ig0EYAek3/v//SIO5mAAAAAAPhIj7//9Ii7mQAAAA6yQPHwAx0kiDPgAPlMJICfJIiRTHSIPAAUg7gZgAAAAPg1v7//9I"
    "izTHSIPm/kiDeTAgddBIi1YQSNH6SIP6/g+Uwg+20uvGTYXtdRBLi0TU+EmJBCRIi7HgAAAASYnq6UH9//8PH4QAAAAAAEiDQRgB"
    "6Rf9//9Ig0EYAemz/f//TIuhkAAAAOvDDx8AVUiJ5UFXQVZJif5BVUFUU0iD7BhIix9IiX3ISIl1wEiJ3+hp9///TIn36MH1//9M"
    "i2sgTYXtD4XVAAAASIN7WAAPhMoAAABIi7NQAQAAZpBNiepJweIFTANTYE2J1+tlTIsiSYtMJBhIiQqLEIPqAUiDe3AAiRBIi0Mo"
    "dBFIg7vgAAAAAHUHixCD6gGJEEyLc2hEiwBFMclMiem+BQAAAEyJ4kgrUzBMiffogfL//0mLfghMieZIK3MwQf9WKEiLs1ABAABJ"
    "iwcx0osISIX2dARBi1cYOdF+H0mDfxAASYtXCA+FeP///0hjCEyLZMr46Xb///8PHwBJg8UBTDtrWA+CSv///0iLRchIixhMi2sg"
    "SItDKEyLfchJg8UBSIt1wESLIEmLfwhMiWsgQf9XEEmLF0iJw0iLQiBIg+gBSIlCIEiF23QFSIXAdBJIg8QYSInYW0FcQV1BXkFf"
    "XcNMi4JAAQAASInvTYXAdD5Jg38wAnU3SItCEEiD+D93LTH26w1mDx9EAABIi0IQSInOSI1OAUjB4AVIAfBIizTPSY0EwEiJMEiD"
    "+SB13UyLTwhMO4ooAQAAdB5Ii03ASIt9yEUPt8lFieBIidox9uhf8f//6Xb///9Ii4IwAQAASIuKOAEAAEg5TMcIdc1J99HryFVI"
    "ieVBV0FWQVVBVFNIiftIg+woTIsvSIl9yEiJdcBMie9IiVW46HX1//9Iid/ozfP//0mLXSBIhdsPhekAAABJg31YAA+E3gAAAEmL"
    "vVABAABmDx9EAABJidpJweIFTQNVYE2J1utuDx+EAAAAAABMizlJi3cYSIkxiwqD6QFJg31wAIkKSYtVKHQRSYO94AAAAAB1B4sK"
    "g+kBiQpNi2VoRIsCRTHJSInZvgUAAABMifpJK1UwTInn6ILw//9Ji3wkCEyJ/kkrdTBB/1QkKEmLvVABAABJixYxyYsySIX/dARB"
    "i04YOc5+JkmDfhAASYtOCA+Fd////0hjMkyLfPH46XT///9mLg8fhAAAAAAASIPDAUk7XVgPgjr///9Ii0XITIsoSYtdIEmLVShM"
    "i3XISIPDAUiLdcBEizpJi34ISYldIEiLVbhB/1YYSYsWSInDSItCIEiD6AFIiUIgSIXbdAVIhcB0EkiDxChIidhbQVxBXUFeQV9d"
    "w0yLgkABAABIie9NhcB0OkmDfjACdTNIi0IQSIP4P3cpMfbrCWaQSItCEEiJzkiNTgFIweAFSAHwSIs0z0mNBMBIiTBIg/kgdd1M"
    "i08ITDuKKAEAAHQmSItNwEiLRbhFD7fJRYn4SIt9yEiJ2jH2SA+vyOhP7///6XL///9Ii4IwAQAASIuKOAEAAEg5TMcIdcVJ99Hr"
    "wFVIieVBV0FWQVVBVFNIg+woTIs3SIl9yEiJdcBMifdIiVW46Gjz//9Ji14gSIXbD4XkAAAASYN+WAAPhNkAAABJi75QAQAAZg8f"
    "hAAAAAAASYnaScHiBU0DVmBNidXrZkyLOUmLdxhIiTGLCoPpAUmDfnAAiQpJi1YodBFJg77gAAAAAHUHiwqD6QGJCk2LZmhEiwJF"
    "MclIidm+BQAAAEyJ+kkrVjBMiefogu7//0mLfCQITIn+SSt2MEH/VCQoSYu+UAEAAEmLVQAxyYsySIX/dARBi00YOc5+JUmDfRAA"
    "SYtNCA+Fdv///0hjMkyLfPH46XP///9mDx+EAAAAAABIg8MBSTteWA+CQv///0iLRchMizBJi14gSYtWKEiDwwFMi23ARIs6TInu"
    "SItVuEmJXiBMi3XISYt+CEH/ViBJixZIicNIi0IgSIPoAUiJQiB1S0iF2w+VwUk53XRYhMl0Tk2F7XR6TIt1yEiLTbhFMclFifhI"
    "idq+AwAAAEyJ9+ir7f//SItVwEUxyUWJ+DHJvgIAAABMiffoku3//0iDxChIidhbQVxBXUFeQV9dw0g5XcB16ITJdORIg7oIAQAA"
    "AHTaSItNuEiLfchFMclFifhIidq+CgAAAOhR7f//671Mi4JAAQAASInvTYXAdAtIi03ISIN5MAJ0RUyLTwhMO4ooAQAAdB5Ii024"
    "SIt9yEUPt8lFifhIidox9ugP7f//6Xj///9Ii4IwAQAASIuKOAEAAEg5TMcIdc1J99HryEiLShBIg/k/d7HrCw8fQABIi0oQSInw"
    "SI1wAUjB4QVIAchIiwz3SY0EwEiJCEiD/iB13euGZmYuDx+EAAAAAABBVkFVQVRVSIn1U0yLJ0iJ+0yJ5+j38P//SYtEJCBIhe10"
    "CUiFwA+ECwEAAEiDwAFIi3sISInuSYlEJCD/UyhIixtIi0MgTI1o/0yJayBNhe0PhdcAAABIg3tYAA+EzAAAAEiLs1ABAAAPH4AA"
    "AAAATYnsScHkBUwDY2DrZw8fAEiLKkiLTRhIiQqLEIPqAUiDe3AAiRBIi0ModBFIg7vgAAAAAHUHixCD6gGJEEyLc2hEiwBFMclM"
    "iem+BQAAAEiJ6kgrUzBMiffo4uv//0mLfghIie5IK3MwQf9WKEiLs1ABAABJiwQkMdKLCEiF9nQFQYtUJBg50X4mSYN8JBAASYtU"
    "JAgPhXX///9IYwhIi2zK+Oly////Dx+EAAAAAABJg8UBTDtrWA+CQv///1tdQVxBXUFew0mLRCQoRTHJMclIieq+AQAAAEiJ30SL"
    "AOhc6///SYtEJCDpzv7//w=="
)
# --- end of machine code

PAGE = 4096
GC_FLAG, LIST_FLAG, DICT_FLAG = 1 << 14, 1 << 25, 1 << 29
KIND_LIST, KIND_DICT, KIND_SET, KIND_BYTEARRAY, KIND_ARRAY = 1, 2, 3, 4, 5
ITEMS, KEYS, VALUES, TABLE, OTHER = range(5)                      # kinds of separate blocks in the profile


class CaptureError(Exception):
    """Ends the capture with one line."""


class Refusal(CaptureError):
    """The application's process answered with an error and waits for the next order."""


def preheader_bytes(version, flags):
    """Bytes between the start of an object's block and its address: the collector's head and, from 3.11, the managed pointers."""
    if not flags & GC_FLAG:
        return 0
    head = 32 if version < (3, 8) else 16
    managed = 1 << 4 if version < (3, 12) else 3 << 3
    return head + (16 if version >= (3, 11) and flags & managed else 0)


# ---------------------------------------------------------------------------------------------------------------------
# In children of the master (called by the stub's `run`)


def child_walk(path, request):
    """Writes every object that the collector knows or that can be reached from one: address, type, size, referents."""
    import array
    import gc
    import sys
    if hasattr(gc, "unfreeze"):
        gc.unfreeze()
    objs = gc.get_objects()
    out = array.array("L")
    types, index = [], {}
    own = set([id(objs), id(out), id(types), id(index), id(sys._getframe())])
    seen = set(map(id, objs))
    own.add(id(seen))
    special = ((list, KIND_LIST), (dict, KIND_DICT), (set, KIND_SET), (frozenset, KIND_SET), (bytearray, KIND_BYTEARRAY))
    if "array" in sys.modules:
        special += ((array.array, KIND_ARRAY),)
    getsizeof, referents, append = sys.getsizeof, gc.get_referents, out.append
    i = 0
    while i < len(objs):
        o = objs[i]
        i += 1
        if id(o) in own:
            continue
        t = type(o)
        if id(t) not in index:
            index[id(t)] = len(types)
            module = getattr(t, "__module__", None)
            name = getattr(t, "__qualname__", t.__name__)
            if isinstance(module, str) and module not in ("builtins", "__builtin__"):
                name = module + "." + name
            kind = 0
            for base, number in special:
                if issubclass(t, base):
                    kind = number
            types.append([id(t), name, t.__flags__, t.__basicsize__, t.__itemsize__, kind])
        refs = referents(o)
        try:
            size = getsizeof(o)
        except Exception:
            size = t.__basicsize__
        append(id(o)); append(index[id(t)]); append(size); append(len(refs))
        for r in refs:
            k = id(r)
            append(k)
            if k not in seen:
                seen.add(k)
                objs.append(r)
    stats = gc.get_stats() if hasattr(gc, "get_stats") else []
    import json
    with open(path + ".json", "w") as f:
        json.dump({"types": types, "stats": [[s["collections"], s["collected"], s["uncollectable"]] for s in stats],
                   "implementation": sys.implementation.name if hasattr(sys, "implementation") else "cpython"}, f)
    with open(path, "wb") as f:
        out.tofile(f)


def child_generations(path, request):
    """The collector's own word for its lists: addresses by generation, in order (3.8 and later)."""
    import gc
    import json
    lists = [[id(o) for o in gc.get_objects(generation=g)] for g in range(3)]
    with open(path, "w") as f:
        json.dump(lists, f)


def child_free_lists(path, request):
    """Number and address of the length of each of the interpreter's free lists that is found."""
    import json
    with open(path, "w") as f:
        json.dump(sorted(find_free_lists().items()), f)


def child_debugmallocstats(path, request):
    """sys._debugmallocstats() writes to file descriptor 2; here it goes into a file."""
    import os
    import sys
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(fd, 2)
    sys._debugmallocstats()


class Tracer(object):
    """Records every allocation and free of this process through the hook of alloc_trace.c."""

    EVENT = 32
    CAPACITY = 24 << 20                               # of virtual memory; resident as far as it is used

    ROOM = 1 << 20                                    # for the code and all its words but the events
    STATE_WORDS = 43                                  # of struct state

    def __init__(self, count0_address, capacity=CAPACITY, gc_head=16, lists=(), domains=(0, 1, 2), shelves=(), collector=(0, 0, 0), steady=0, recents=0, due=0,
                 room=None, buffer=None, freshes=0, resizes=0, every=0, reach=0, markers=(0, 0), apart=0):
        import binascii                               # base64 imports much more, before an application is loaded
        import ctypes
        import mmap
        self.room = room or mmap.mmap(-1, self.ROOM, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.buffer = buffer or mmap.mmap(-1, capacity * self.EVENT)
        self.taken = 0
        self.state = self.words(self.STATE_WORDS)     # the first thing in the room, see LoadTrace
        code = binascii.a2b_base64(TRACE_CODE)
        at = ctypes.addressof(self.words((len(code) + 7) // 8))
        ctypes.memmove(at, code, len(code))
        self.lengths, self.noted = self.words(len(lists) + 1, lists), self.words(len(lists) + 1, kind=ctypes.c_int)
        self.shelves = self.words(4 * len(shelves) + 1, [word for shelf in shelves for word in tuple(shelf) + (0,)])
        self.recent, self.fresh = self.words(recents + 1), self.words(freshes + 1)
        self.state[:] = [ctypes.addressof(ctypes.c_char.from_buffer(self.buffer)), capacity, 0, 0, 0, count0_address, gc_head, 0,
                         len(lists), ctypes.addressof(self.lengths), ctypes.addressof(self.noted),
                         len(shelves), ctypes.addressof(self.shelves), 0] + list(collector) + [steady, ctypes.addressof(self.recent), 0, recents, due,
                         ctypes.addressof(self.fresh), 0, freshes, id(dict), id(tuple), id(type(sys._getframe())), every, 0, 0, markers[0], 0, resizes, reach, 0, markers[1], 0, 0, 0, 0, apart, 0]
        self.used = ctypes.c_uint64.from_address(ctypes.addressof(self.state) + 16)
        self.depth = ctypes.c_uint64.from_address(ctypes.addressof(self.state) + 32)
        self.count0 = ctypes.c_int.from_address(count0_address)
        self.domains = []
        api = ctypes.pythonapi
        for f in (api.PyMem_GetAllocator, api.PyMem_SetAllocator):
            f.argtypes, f.restype = [ctypes.c_int, ctypes.c_void_p], None
        for number in domains:
            # struct domain: state, base allocator (ctx, malloc, calloc, realloc, free), number; then the hooked allocator
            d = self.words(12)
            start = ctypes.addressof(d)
            d[0], d[6] = ctypes.addressof(self.state), number
            api.PyMem_GetAllocator(number, start + 8)
            d[7] = start
            for k, offset in enumerate(TRACE_OFFSETS):
                d[8 + k] = at + offset
            self.domains.append((number, start + 56, start + 8, d))
            if number == 2:
                self.state[13] = start
        self.set = api.PyMem_SetAllocator

    def words(self, count, values=(), kind=None):
        """The next `count` numbers of the room, 64 bits each unless said."""
        import ctypes
        made = ((kind or ctypes.c_uint64) * count).from_buffer(self.room, self.taken)
        self.taken += (ctypes.sizeof(made) + 15) // 16 * 16
        made[:len(values)] = values
        return made

    def reset(self):
        """Forgets all events."""
        for word in (2, 3, 4, 7, 19, 23):             # used, dropped, depth, open, recents, freshes
            self.state[word] = 0

    def start(self):
        self.count0.value = 1 << 24                   # far from its floor at 0, where a decrement is not done
        self.used.value = 0
        for k in range(len(self.noted)):
            self.noted[k] = -1                        # so that each length is noted once at the first event
        self.go_on()

    def go_on(self):
        for number, hooked, base, d in self.domains:
            self.set(number, hooked)

    def pause(self):
        for number, hooked, base, d in self.domains:
            self.set(number, base)

    def stop(self):
        self.pause()
        if self.state[3]:
            raise MemoryError("more than %d allocations and frees in one traced window; measure fewer or smaller requests at a time" % self.state[1])

    THROUGH, ABOVE, BYPASS, STACKS_AT = 37, 38, 39, 40    # in the state
    STACKS, STACK_WORDS = 64, 32

    def caller(self):
        """Who asks for the block of a [...] while free lists are kept empty, see alloc_trace.c; 0 if that is not seen. From then on a copy
        of an instance's dict has another caller: it does not look at the free list, but asks at the same place."""
        import ctypes

        class Instance(object):
            def __init__(self):
                self.attribute = None
        own, made = vars(Instance()), None
        stacks = self.words(self.STACKS * self.STACK_WORDS)
        self.go_on()                                  # empties the free lists
        self.pause()
        self.reset()
        self.state[self.STACKS_AT] = ctypes.addressof(stacks)
        self.go_on()
        made = [None]
        self.pause()
        caller, at_list = self.asked(list, stacks)
        self.go_on()
        made = {}
        self.pause()
        _, at_dict = self.asked(dict, stacks)
        self.go_on()
        made = own.copy()
        self.pause()
        _, at_copy = self.asked(dict, stacks)
        self.state[self.STACKS_AT] = 0
        if caller and at_list[:1] == at_dict[:1] == at_copy[:1]:
            with open("/proc/self/maps") as f:
                code = [[int(x, 16) for x in l.split()[0].split("-")] for l in f if l.split()[1].startswith("r-x")]
            for above in range(1, self.STACK_WORDS):
                found = [at[above] for at in (at_list, at_dict, at_copy)]
                if all(returned_to(address, code) for address in found):
                    if found[2] not in found[:2]:
                        self.state[self.THROUGH:self.STACKS_AT] = [at_copy[0], above, found[2]]
                    break
        return caller

    def asked(self, kind, stacks):
        """(low bits of the address to which the last allocation of an object of this type returned, the first words of the stack from there on),
        and forgets all events, what this process did while the hook was set among them."""
        found = [(event[2] >> 16, stacks[self.STACK_WORDS * k:self.STACK_WORDS * (k + 1)]) for k, event in enumerate(self.events())
                 if k < self.STACKS and event[2] & 255 == 0 and event[4] == id(kind)]
        self.reset()
        return found[-1] if found else (0, [])

    def events(self):
        return traced_events(self.buffer, self.used.value)


def returned_to(address, code):
    """Whether a call in one of these spans of code returns to this address."""
    import ctypes
    if not any(low + 8 <= address < high for low, high in code):
        return False
    before = bytearray(ctypes.string_at(address - 7, 7))
    return before[2] == 0xe8 or before[1:3] == bytearray(b"\xff\x15") or any(before[-n] == 0xff and before[1 - n] & 0x38 == 0x10 for n in (2, 3, 6, 7))


def traced_events(buffer, used):
    """Rows of address, size, kind, counter of generation 0, type; see `struct event` in alloc_trace.c."""
    import struct
    return struct.iter_unpack("<QQIiQ", memoryview(buffer)[:used * Tracer.EVENT])


def arm(reply, room, buffer, count0_address, gc_head, collector, taken_off):
    """In a child of the process that is to be traced, whose addresses are the same: puts the hook and all it needs into the shared
    memory. Answers with a line: the free lists that are kept empty; the threshold at which to collect, 0 if not at all; the
    words that set the hook, and those that take it off again, in hexadecimal at decimal addresses; who asks for the block of a [...]
    (see alloc_trace.c); and the numbers `taken_off`."""
    import os
    import struct
    try:
        shelves = find_shelves()
        collecting, (due, every, reach), markers = collector[0] != 0, collector[3:6], collector[6:]
        tracer = Tracer(count0_address, len(buffer) // Tracer.EVENT, gc_head, domains=(1, 2), shelves=[shelf[1:] for shelf in shelves],
                        collector=collector[:3], recents=4096 if collecting else 0, due=due, every=every, reach=reach, markers=markers, room=room, buffer=buffer, resizes=int(not collecting), apart=int(collecting and sys.version_info >= (3, 12)))
        places = [(allocator_place(tracer, domain), domain[3]) for domain in tracer.domains]
        caller = tracer.caller()
        # far from the counter's floor at 0, where a decrement is not done
        on = [(count0_address, struct.pack("<i", 1 << 24))] + [(at, struct.pack("<5Q", *d[7:12])) for at, d in places]
        off = [(at, struct.pack("<5Q", *d[1:6])) for at, d in places]
        memory = os.open("/proc/self/mem", os.O_RDWR)
        for at, data in off:                          # as it is: where the kernel does not permit it, better here
            os.pwrite(memory, data, at)
        text = [" ".join("%d:%s" % (at, "".join("%02x" % byte for byte in bytearray(data))) for at, data in patches) for patches in (on, off)]
        answer = ["D", ";".join("%d,%d" % shelf[:2] for shelf in shelves), str((1 << 24) + due if collecting else 0)] + text + [str(caller), ",".join(taken_off)]
    except Exception as e:
        answer = ["E", "%s: %s" % (type(e).__name__, str(e).replace("\n", " "))]
    os.write(reply, ("\t".join(answer) + "\n").encode("utf-8"))


def allocator_place(tracer, domain):
    """Where the interpreter keeps a domain's allocator: the place whose words follow PyMem_SetAllocator."""
    import ctypes
    number, hooked, base, words = domain
    spans = []
    with open("/proc/self/maps") as f:
        for l in f:
            low, high = [int(x, 16) for x in l.split()[0].split("-")]
            if l.split()[1].startswith("rw-p") and high - low < 64 << 20 and "[stack]" not in l:
                spans.append((low, high))
    found = []
    with open("/proc/self/mem", "rb", 0) as memory:
        def read(at, size):
            memory.seek(at)
            return memory.read(size)
        before, after = bytes(bytearray(words)[8:48]), bytes(bytearray(words)[56:96])
        for low, high in spans:
            data = read(low, high - low)
            at = data.find(before)
            while at >= 0:
                found.append(low + at)
                at = data.find(before, at + 8)
        for allocator, expected in ((hooked, after), (base, before)) * 2:  # memory that was freed may say either once
            tracer.set(number, allocator)
            found = [at for at in found if read(at, 40) == expected]
    if len(found) != 1:
        raise RuntimeError("the allocator of domain %d is at %d places of the interpreter's memory" % (number, len(found)))
    return found[0]


def child_probe(path, request):
    """Fails where the hook cannot work: no ctypes, or memory that may not be executed."""
    import ctypes
    count0 = ctypes.c_int(0)
    tracer = Tracer(ctypes.addressof(count0))
    tracer.start()
    kept = [[] for _ in range(1000)]
    tracer.stop()
    if not tracer.used.value or len(kept) != 1000:
        raise RuntimeError("the allocator hook saw nothing")


def child_counts(path, request):
    """Where nothing can be traced: what the interpreter itself counts for one request. Writes [change of the generation 0
    counter, cyclic garbage found by a collection, change of allocated blocks before and after it (3.4 and later)]."""
    import gc
    import json
    with open(path) as f:
        plan = json.load(f)
    blocks = getattr(sys, "getallocatedblocks", lambda: 0)
    for text in plan["before"]:
        request(text)
    gc.collect()
    kept, count = blocks(), gc.get_count()[0]
    request(plan["request"])
    count, grown = gc.get_count()[0] - count, blocks() - kept
    garbage = gc.collect()
    with open(path + ".out", "w") as f:
        json.dump([count, garbage, grown, blocks() - kept], f)


def garbage_graph(trash):
    """(block starts, who refers to whom) of the cyclic garbage in a list, in numbers of its objects."""
    import gc
    index = dict((id(o), i) for i, o in enumerate(trash))
    edges = [[index[id(r)] for r in gc.get_referents(o) if id(r) in index] for o in trash]
    return [id(o) - preheader_bytes(sys.version_info, type(o).__flags__) for o in trash], edges


def clocked(size, kind, type_address, gc_head):
    """Whether an allocation is the same with and without collections: of an object that is on no free list, which collections
    fill and empty. 24 bytes are those of a float."""
    return kind == 2 << 8 and size != 24 and not free_list_number(type_address, size, gc_head)


EVERY = 16                                            # net allocations from one full collection to the next


def child_collect(path, request):
    """Serves the kept requests of a plan as `child_trace` does, but with so many collections that they tell when garbage becomes
    unreachable. What was there before is frozen, so that a collection looks at the requests' objects only. Writes the
    sizes of the clocked allocations, and of those objects that a collection freed their number and how many there were midway
    between that collection and the one before, or when the object was made if that was later."""
    import gc
    import json
    with open(path) as f:
        plan = json.load(f)
    for text in plan["before"] + plan["starts"]:
        request(text)
    gc.collect()
    gc.freeze()
    tracer = Tracer(plan["count0"], plan.get("capacity", Tracer.CAPACITY), plan["gc_head"], collector=plan["collector"], steady=1)
    window, thresholds = plan["window"][:plan["skip"] + plan["keep"] + 1], gc.get_threshold()
    tracer.start()
    gc.set_threshold((1 << 24) + EVERY, 0, 0)
    gc.enable()
    for text in window:
        request(text)
    gc.disable()
    tracer.stop()
    gc.set_threshold(*thresholds)
    sizes, resets, collected, live, previous = [], [0], [], {}, 0
    for address, size, kind, count0, type_address in tracer.events():
        op = kind & 255
        if count0 < previous - EVERY // 2:
            resets.append(len(sizes))
        previous = count0
        if op == 0:
            live.pop(address, None)
            if clocked(size, kind, type_address, plan["gc_head"]):
                live[address] = len(sizes)
                sizes.append(size)
        elif op == 1:
            number = live.pop(address, None)
            if type_address and number is not None:
                collected.append((number, (max(resets[-2], number) + resets[-1]) // 2))
    with open(path + ".out", "w") as f:
        json.dump({"sizes": sizes, "collected": collected, "collections": len(resets) - 1}, f)


LISTS = 22                                            # free lists that are looked at, see free_list_number


def interpreter_state():
    """Where the interpreter's state lies and how far it can reach."""
    import ctypes
    ctypes.pythonapi.PyInterpreterState_Get.restype = ctypes.c_void_p
    start = ctypes.pythonapi.PyInterpreterState_Get()
    with open("/proc/self/maps") as f:
        spans = [[int(x, 16) for x in l.split()[0].split("-")] + [l.split()[1]] for l in f]
    stop = start
    for low, high, rights in spans:                   # the heap's mappings come in ascending order
        if low <= stop < high and rights.startswith("rw"):
            stop = high
    return start, min(stop - start, 1 << 20) // 4 * 4


def find_free_lists():
    """Number of a free list -> address of its length, an int in the interpreter's state (3.10 and later; {} before). Each list
    is filled to its limit and then drawn down by known numbers; the word that follows is its length."""
    import ctypes
    if sys.version_info < (3, 10):
        return {}
    start, size = interpreter_state()
    copies = [ctypes.create_string_buffer(size) for _ in range(3)]
    held, drawn = [None] * 64, (7, 30, 52)
    found = {}
    for number in range(1, LISTS + 1):
        n = number - 2
        source = [None] * n if n > 0 else None
        make = (lambda: []) if number == 1 else (lambda: {}) if number == 2 else (lambda: tuple(source))
        limit = 80 if number <= 2 else 2000
        for copy, taken in zip(copies, drawn):
            full = [make() for _ in range(limit + 200)]
            full = None
            for i in range(taken):
                held[i] = make()
            ctypes.memmove(copy, start, size)
            for i in range(taken):
                held[i] = None
        a, b, c = (memoryview(copy).cast("B").cast("i") for copy in copies)
        step1, step2 = drawn[1] - drawn[0], drawn[2] - drawn[1]
        # the call that copies may itself hold a few objects
        hits = [i for i, x in enumerate(a) if limit - drawn[0] - 6 <= x <= limit - drawn[0] and x - b[i] == step1 and b[i] - c[i] == step2]
        if len(hits) == 1:
            found[number] = start + 4 * hits[0]
    return found


def find_shelves():
    """[(number, address of its length, address of its objects, 1 if they are chained)] of the free lists: two objects are put
    on each, and one of them is what a word in front of the length then says."""
    import ctypes
    lists = find_free_lists()
    if not lists:
        return []
    start, size = interpreter_state()
    copy, found = ctypes.create_string_buffer(size), []
    words = memoryview(copy).cast("B")[:size // 8 * 8].cast("Q")
    for number, length in sorted(lists.items()):
        source = [None] * (number - 2) if number > 2 else None
        make = (lambda: []) if number == 1 else (lambda: {}) if number == 2 else (lambda: tuple(source))
        a, b = make(), make()
        both = id(a), id(b)
        a = b = None
        ctypes.memmove(copy, start, size)             # the call itself may take one off again
        at = (length - start) // 8
        hits = [i for i in range(max(0, at - 128), at + 1) if words[i] in both]
        count = ctypes.c_int.from_buffer(copy, length - start).value
        if number > 2 and len(hits) == 1:
            found.append((number, length, start + 8 * hits[0], 1))
        elif number <= 2 and hits and count > 0:
            found.append((number, length, start + 8 * (max(hits) - count + 1), 0))
    return found


def child_trace(path, request):
    """Serves the requests of a plan: first untraced ones, then a traced window of which `keep` requests after the first `skip`
    are kept; the rest of the window and a collection at its end tell how long their blocks live."""
    import ctypes
    import gc
    import json
    with open(path) as f:
        plan = json.load(f)
    for text in plan["before"]:
        request(text)
    shelves = find_shelves() if sys.version_info >= (3, 11) else []
    lists = sorted(find_free_lists().items()) if not shelves else []
    capacity = plan.get("capacity", Tracer.CAPACITY)
    tracer = Tracer(plan["count0"], capacity, plan["gc_head"], [address for number, address in lists], shelves=[shelf[1:] for shelf in shelves], freshes=8192)
    caller = tracer.caller() if shelves else 0
    window = plan["window"]
    marks = (ctypes.c_uint64 * (len(window) + 1))()   # keeps no object alive, as a list would
    counts = (ctypes.c_int * (len(window) + 1))()
    used = tracer.used
    needed, enough = plan["skip"] + plan["keep"], capacity * 3 // 4
    if plan["starts"]:                                # what these leave is no request's, and not older than them
        tracer.start()
        for text in plan["starts"]:
            request(text)
    gc.collect()                                      # empties the free lists of what this function has put there
    if not plan["starts"]:                            # else what it frees, too, is among the events, which takes room
        tracer.start()
    i = 0
    marks[0] = used.value
    counts[0] = tracer.count0.value
    for text in window:
        request(text)
        i += 1
        marks[i] = used.value
        counts[i] = tracer.count0.value
        if i >= needed and used.value > enough:
            break
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    trash = gc.garbage[:]
    del gc.garbage[:]
    graph = garbage_graph(trash)
    found = len(trash)
    before_second = used.value
    del trash[:]
    o = None
    gc.collect()
    end = used.value
    tracer.stop()
    kept_empty = [shelf[0] for shelf in shelves]
    result = decode(tracer, marks[:i + 1], plan["skip"], plan["keep"], before_second, end, graph, plan["gc_head"], [number for number, address in lists],
                    kept_empty, caller, plan.get("often"), plan.get("gathers"))
    uncounted = not_counted(tracer, marks[:i + 1], kept_empty, caller, plan["gc_head"])
    for k, r in enumerate(result):
        k += plan["skip"]
        r["net"] = counts[k + 1] - counts[k] - uncounted[k]
        if plan["before"]:                            # what an earlier request carries, for the most part
            r["older"] = []
    with open(path + ".out", "w") as f:
        json.dump({"requests": result, "garbage_objects": found, "window": i}, f)


def free_list_number(type_address, size, gc_head):
    """1 for exactly a list, 2 for a dict, 2 + n for a tuple of n items (1 to 20), else 0."""
    if type_address == id(list):
        return 1
    if type_address == id(dict):
        return 2
    if type_address == id(tuple):
        n = (size - gc_head - 24) // 8
        return 2 + n if 1 <= n <= 20 else 0
    return 0


def delta_list(ordinals):
    return [b - a for a, b in zip([0] + ordinals, ordinals)]


LIST_LIMITS = [0, 80, 80] + [2000] * 20               # of the free lists, by number, from 3.11 on


def not_counted(tracer, marks, shelves, caller, gc_head):
    """By request, by how much the counter of generation 0 would have risen less if the free lists had not been kept empty."""
    lengths, more, now = [0] * (LISTS + 1), [0] * len(marks), 0
    for k, (address, size, kind, count0, type_address) in enumerate(tracer.events() if shelves else ()):
        if k < marks[0]:
            continue
        while now < len(marks) - 1 and k >= marks[now + 1]:
            now += 1
        op = kind & 255
        if op == 0 and kind >> 8 & 255 == 2:
            number = free_list_number(type_address, size, gc_head)
            if lengths[number] and (number > 2 or kind >> 16 == caller):
                lengths[number] -= 1
                more[now] += 1
        elif op == 5 and lengths[shelves[size]] < LIST_LIMITS[shelves[size]]:
            lengths[shelves[size]] += 1
        elif op == 5:
            more[now] += 1
    return more


def tracked_rows(stream, rows):
    """(events before something happens to an object, its ordinal, more) as a flat list: events since the previous one, ordinals
    back from the next allocation, more, ..."""
    flat, last = [], 0
    made = [0]
    for s in stream:
        made.append(made[-1] + (s >= 0))
    for row in sorted(rows):
        flat += [row[0] - last, made[row[0]] - row[1]] + list(row[2:])
        last = row[0]
    return flat


def length_changes(lists, lengths, changes):
    """(events before it, list, length) as a flat list: events since the previous change, number of the list, change, ..."""
    flat, last = [], 0
    for at, i, now in changes:
        if now != lengths[i]:
            flat += [at - last, lists[i], now - lengths[i]]
            last, lengths[i] = at, now
    return flat


def unreachable(graph, made, lost):
    """For each object of a garbage graph: (the first of the objects that lead to it, when it became unreachable). `made` says by
    object when it was made, `lost` when it became unreachable, if that was seen: not before it, and what leads to it, was made,
    and not before that was unreachable."""
    starts, edges = graph
    component, count = components(edges)
    since, oldest = [-1] * count, [None] * count
    members = [[] for _ in range(count)]
    for v, c in enumerate(component):
        members[c].append(v)
        if v in made:
            since[c] = max(since[c], lost.get(v, -1))
            if oldest[c] is None or made[v] < made[oldest[c]]:
                oldest[c] = v
    for c in range(count - 1, -1, -1):
        for v in members[c]:
            for w in edges[v]:
                d = component[w]
                if d != c:
                    since[d] = max(since[d], since[c])
                    if oldest[c] is not None and (oldest[d] is None or made[oldest[c]] < made[oldest[d]]):
                        oldest[d] = oldest[c]
    return [(oldest[c], since[c]) for c in component]


GATHERED_LEAST = 50                                   # objects that end at once, of a request at least three before


def ended_at_once(run, now, alloc_request, drops, gathered):
    """Ends a run of frees of collectable objects that are older than the request, without anything in between. Many, made by several
    requests, are what an application gathers and drops together now and then, as sqlite3 does with its weak references to cursors: how
    long one lives is a matter of how many have been gathered. The blocks are allocations, -1 what came before the window, -2 - r those of
    request r that is not kept, None what came before the trace."""
    if len(run) >= GATHERED_LEAST and len(set(alloc_request[a] if a is not None and a >= 0 else a if a is None or a == -1 else -2 - a for a in run)) >= 3:
        drops.append((now, len(run), run.count(None)))
        gathered.update(a for a in run if a is not None and a >= 0)
    del run[:]


def decode(tracer, marks, skip, keep, before_second, end, graph, gc_head, lists=(), shelves=(), caller=0, often=None, gathers=False):
    """The events of the window as one record a kept request: the profile's stream, groups of garbage, carried; the rest is held. `lists` are the
    free lists whose lengths were noted, `shelves` those that were kept empty, `caller` who asks for the block of a [...],
    `often` the file of `child_collect`, `gathers` whether the application is known to drop many objects at once."""
    import array
    import json
    marks = list(marks)[skip:]
    n = len(marks) - 1
    alloc_request, alloc_ordinal, is_gc = [], [], []  # by allocation, of kept requests only
    live = {}                                         # block start -> allocation number, -2 - r for one of request r that is not kept, or -1 for one from before
    stream = [[] for _ in range(keep)]                # per request: allocation numbers a, frees ~a
    domain_bytes = []
    free_list = []                                    # by allocation: whose free list its object goes to, or 0
    types, resized = [], set()                        # by allocation; allocations that a realloc moved an object to
    gc_types = set()                                  # of those that are known to have a GC head
    untracked, tracked, atomic = set(), {}, {}        # allocations of objects that are on none of the collector's lists when the next event comes; when they come on one: (request, its events before); likewise when tuples that a collection takes off are full
    holds = {}                                        # of such a tuple, the one made last of the tuples in it that are on a list then
    direct = set()                                    # allocations that did not look at the free list: list(...), dict(...)
    place = dict((number, i) for i, number in enumerate(lists))
    clock = array.array("l")                          # sizes of the window's clocked allocations; by them, the kept request
    ticks = array.array("l")                          # (-1 for another), and how many of its events came before
    ticks_events = array.array("l")
    tick_of, made_at = {}, []                         # clocked allocation of an allocation; by allocation, events of its request before it
    allocations = [0] * keep
    died = {}                                         # allocation -> (request it died in, or n: first collection, n + 1: second; event)
    now = 0
    pending = None                                    # the last object allocation, whose kind the next event's counter tells
    pending_count = 0
    moved_to = None
    freed_order = []
    lengths = [0] * len(lists)                        # of the free lists, now
    at_start = [None] * keep
    changes = [[] for _ in range(keep)]               # per request: (events before it, list, length)
    run, drops, gathered = [], [], set()              # blocks of older objects freed one directly after another; see `ended_at_once`
    older = [[] for _ in range(keep)]                 # per request, of objects from before the window that end: (events before it, the free list it goes to or 0)
    counted, after_allocation = 0, False              # by the counter at the allocation or free before this one, and which it was
    for k, (address, size, kind, count0, type_address) in enumerate(tracer.events()):
        if k >= end:
            break
        for r in range(now, keep) if at_start.count(None) else ():
            if k >= marks[r] and at_start[r] is None:
                at_start[r] = lengths[:]
        op, domain = kind & 255, kind >> 8 & 255
        if run and op in (0, 2, 3, 5):
            ended_at_once(run, now, alloc_request, drops, gathered)
        if clocked(size, kind & 0xffff, type_address, gc_head):
            while now < n and k >= marks[now + 1]:
                now += 1
            kept = k >= marks[0] and now < keep
            if kept:
                tick_of[len(is_gc)] = len(clock)
            clock.append(size)
            ticks.append(now if kept else -1 if k < marks[0] else keep)
            ticks_events.append(len(stream[now]) if kept else 0)
        if op == 4:
            lengths[kind >> 8] = size
            if k < marks[0]:
                continue
            while now < n and k >= marks[now + 1]:
                now += 1
            if now < keep:
                changes[now].append((len(stream[now]), kind >> 8, size))
            continue
        if k < marks[0]:                              # before the kept requests: what these allocate is of no request here
            if op in (0, 3):
                live[address] = -1
            elif op in (1, 2):
                live.pop(address, None)
            continue
        while now < n and k >= marks[now + 1]:
            now += 1
        if op in (6, 7, 8, 9):
            a = live.get(address, -1)
            if op == 6 and a >= 0:
                untracked.add(a)
            elif op == 7 and a in untracked and now < keep:
                tracked[a] = now, len(stream[now])
            elif op == 8 and a >= 0:
                atomic[a] = now, len(stream[now]) if now < keep else 0
            elif op == 9 and a >= 0:
                holds[a] = max(holds.get(a, -1), live.get(size, -1))
            continue
        if op == 3:
            moved_to = (address, size, domain, count0)
        if op in (0, 3):
            if pending is not None and count0 - pending_count == 1:
                is_gc[pending] = True
                if types[pending]:
                    gc_types.add(types[pending])
            pending = None
            if now < keep:
                a = len(is_gc)
                is_gc.append(False)
                alloc_request.append(now)
                alloc_ordinal.append(allocations[now])
                allocations[now] += 1
                made_at.append(len(stream[now]))
                domain_bytes.append((domain, size))
                free_list.append(free_list_number(type_address, size, gc_head))
                types.append(type_address)
                stream[now].append(a)
                live[address] = a
                if domain == 2 and op == 0:
                    pending, pending_count = a, count0
                    if free_list[a] in (1, 2) and kind >> 16 != caller if shelves else lengths[place[free_list[a]]] if free_list[a] in place else False:
                        direct.add(a)
            else:
                live[address] = -2 - now
            counted, after_allocation = count0, True
            continue
        a = live.pop(address, None)
        if op == 1:
            older_block = now < n and a != -2 - now and (a is None or a < 0 or alloc_request[a] != now)
            if not older_block or count0 != counted - 1:
                ended_at_once(run, now, alloc_request, drops, gathered)
            # the first one after an object is made leaves the counter where it was before that
            if gathers and older_block and (count0 == counted - 1 or count0 == counted and after_allocation):
                run.append(a)
        # where the counter stays, one has come and one has gone, or neither: the type of the one before tells
        both = a is None and op == 1 and pending is not None and count0 == counted and types[pending] in gc_types
        if a is None and now < keep and (op == 5 or op == 1 and count0 == counted - 1 or both):
            older[now].append((len(stream[now]), shelves[size] if op == 5 else 0))
        counted, after_allocation = count0, False
        if op == 2:
            if moved_to is not None and a is not None and a >= 0:
                b = live.get(moved_to[0], -1)
                if b >= 0 and is_gc[a]:
                    is_gc[b] = True
                    types[b] = types[a]
                    free_list[b] = free_list_number(types[b], domain_bytes[b][1], gc_head)
                    resized.add(b)
            moved_to = None
        elif pending is not None:
            d = count0 - pending_count
            if d == 1 or both or d == 0 and op == 1 and a is not None and a >= 0 and a != pending and is_gc[a]:
                is_gc[pending] = True
            if d == 1 and types[pending]:
                gc_types.add(types[pending])
        pending = None
        if a is None or a < 0:
            continue
        if now < n:
            died[a] = now
            if now == alloc_request[a]:
                stream[now].append(~a)
        else:
            died[a] = n if k < before_second else n + 1
            freed_order.append((k, a, address))
    number = dict((start, v) for v, start in enumerate(graph[0]))
    made = dict((number[address], a) for k, a, address in freed_order if died[a] > n and address in number)
    lost = {}
    if often:
        with open(often) as f:
            said = json.load(f)
        found = carried_over(aligned(clock, array.array("l", said["sizes"]), EVERY // 2), len(said["sizes"]), dict(said["collected"]))
        lost = dict((v, found[tick_of[a]]) for v, a in made.items() if tick_of.get(a) in found)
    fate = unreachable(graph, made, lost)
    groups = {}                                       # (request, oldest object that leads to it, tick it was lost at) -> [objects, what they own]
    handed_on, taken = [[] for _ in range(keep)], {}  # blocks that belong to garbage of another request than the one that made them, which kept them on a free list for it; by group, how many it has of these
    waiting = []
    for k, a, address in freed_order:
        if died[a] == n:
            continue
        v = number.get(address)
        if v is None:
            waiting.append(a)
            continue
        group = (alloc_request[a],) + fate[v]
        groups.setdefault(group, [[], []])[0].append(a)
        for x in waiting:
            if alloc_request[x] == alloc_request[a]:
                groups[group][1].append(x)
            else:
                handed_on[alloc_request[x]].append(x)
                taken[group] = taken.get(group, 0) + 1
        waiting = []
        is_gc[a] = True
    for x in waiting:
        handed_on[alloc_request[x]].append(x)
    for group in sorted(groups):                      # what a request hands on to the next it has from the one before
        take, left = taken.get(group, 0), handed_on[group[0]]
        groups[group][1].extend(left[:take])
        del left[:take]
    for group in sorted(groups, reverse=True):
        groups[group][1].extend(handed_on[group[0]])
        del handed_on[group[0]][:]

    listed_at = {}                                    # events of its request before an untracked object is tracked

    def lost_after(r, tick, group):
        """Events of its request before a group is unreachable."""
        made = max(max(1 + made_at[a], listed_at.get(a, 0)) for part in group for a in part)
        return max(made, ticks_events[tick]) if tick >= 0 and ticks[tick] <= r else len(stream[r])
    out = []
    short = set()                                     # of those that are untracked at first, or atomic: what no collection can see so
    unlisted = [[] for _ in range(keep)]
    taken_off = [[] for _ in range(keep)]
    filled = [[] for _ in range(keep)]                # of those taken off: when it is full, if not at once, and how many blocks later the tuple in it is made
    for r in range(keep):
        made, since = 0, {}                           # allocations so far, by object when it was made
        for s in stream[r]:
            if s >= 0:
                made += 1
                since[s] = made
            elif since.get(~s) == made:
                short.add(~s)
        before = [0]                                  # by event, allocations before it
        for s in stream[r]:
            before.append(before[-1] + (s >= 0))
        for s in stream[r]:
            if s >= 0 and s in atomic and s not in short and is_gc[s]:
                taken_off[r].append(s)
            if s >= 0 and s in untracked and is_gc[s]:
                if s in tracked and tracked[s][0] == r and before[tracked[s][1]] == since[s]:
                    continue
                if s not in short:
                    unlisted[r].append(s)
                    if s in tracked:
                        listed_at[s] = tracked[s][1] if tracked[s][0] == r else len(stream[r])
        inside = set(taken_off[r])
        for s in taken_off[r]:
            full = atomic[s][1] if atomic[s][0] == r else len(stream[r])
            inner = holds.get(s, -1)
            later = alloc_ordinal[inner] - alloc_ordinal[s] if inner > s and inner in inside else 0
            if later or before[full] != since[s]:
                filled[r].append((full, alloc_ordinal[s], later))
    for r in range(keep):
        events, count = [], 0
        carried, shelved, together = [], [], []
        for s in stream[r]:
            if s >= 0:
                domain, size = domain_bytes[s]
                code = 2 if is_gc[s] else 1 if domain == 2 else 0 if domain == 1 else 3
                events.append(size << 2 | code)
                count += 1
                if s not in died:
                    continue
                if s in gathered and is_gc[s]:
                    together.append(alloc_ordinal[s])
                elif r < died[s] < n:
                    carried.append([alloc_ordinal[s], died[s] - r])
                elif died[s] == n:                    # held by an interpreter's free list until a full collection empties it
                    carried.append([alloc_ordinal[s], n - r])
                    # tuples of 20 items go to a list of 3.11 from which none is taken: it is not kept empty
                    if is_gc[s] and free_list[s] and free_list[s] not in shelves:
                        shelved.append(alloc_ordinal[s])
            else:
                events.append(alloc_ordinal[~s] - count)
        garbage = []                                  # (events before it is unreachable, its objects, what they own)
        for (q, oldest, tick), group in groups.items():
            if q == r:
                garbage.append([lost_after(r, tick, group)] + [[alloc_ordinal[a] for a in part] for part in group])
        garbage.sort()
        carried += [[alloc_ordinal[x], n - r] for x in handed_on[r]]
        kept_types = {}
        for s in stream[r]:
            if s >= 0 and is_gc[s] and free_list[s]:
                kept_types.setdefault(free_list[s], []).append(alloc_ordinal[s])
        out.append({"older": [x for a, b in zip([(0, 0)] + older[r], older[r]) for x in (b[0] - a[0], b[1])], "events": events, "garbage": [group[1:] for group in garbage], "lost": delta_list([group[0] for group in garbage]), "carried": carried,
                    "free_listed": [[number, delta_list(ordinals)] for number, ordinals in sorted(kept_types.items())],
                    "resized": delta_list([alloc_ordinal[s] for s in stream[r] if s >= 0 and s in resized]),
                    "shelved": delta_list(shelved), "gathered": delta_list(together),
                    "direct": delta_list([alloc_ordinal[s] for s in stream[r] if s >= 0 and s in direct and is_gc[s]]),
                    "unlisted": delta_list([alloc_ordinal[s] for s in unlisted[r]]),
                    "tracked": tracked_rows(stream[r], [(listed_at[s], alloc_ordinal[s]) for s in unlisted[r] if s in listed_at]),
                    "atomic": delta_list([alloc_ordinal[s] for s in taken_off[r]]),
                    "filled": tracked_rows(stream[r], filled[r]),
                    "free_list_changes": length_changes(lists, at_start[r], changes[r]), "drops": drops})
    return out


# ---------------------------------------------------------------------------------------------------------------------
# In a master of its own that loads the application under the allocator hook (called by the stub in mode `traced`)


class LoadTrace(object):
    """How the application loads, as its collector would see it: when collectable objects come and go, the collector being
    off, and which of them are cyclic garbage from when on. Enough to say what it would have done under any thresholds."""

    STEPS_MAX = 1 << 15

    SELDOM = 32, 0, 0                                 # net allocations from one full collection to the next
    OFTEN = 0, 64, 2048                               # a collection at each object made, each 64th of them a full one, the others of the last 2,048 at least

    def __init__(self, path, room, buffer, gc_head, shelves, collections, caller, off, told, begun):
        import struct
        self.path, self.buffer, self.head, self.caller, self.off, self.told, self.begun = path, buffer, gc_head, caller, off, told, begun
        self.due, self.every, self.reach = collections
        self.collecting = self.due or self.every
        self.shelves = [tuple(int(x) for x in shelf.split(",")) for shelf in shelves.split(";") if shelf]
        self.used, dropped = struct.unpack_from("<QQ", room, 16)
        if dropped:
            raise MemoryError("more than %d allocations and frees while the application loads" % self.used)

    def write(self):
        import gc
        import json
        if self.collecting:
            what, which, lists, kinds, left, collected = self.lives()
            made, ended = 0, {}
            for w, k in zip(what, which):
                if w == 0:
                    made += 1
                elif k >= 0 and k not in collected:
                    ended[k] = made
            with open(self.path, "w") as f:
                json.dump({"sizes": self.sizes.tolist(), "resets": self.resets.tolist(), "full": self.full, "reach": self.reach, "collected": [(k, time, n) for k, (time, n) in collected.items()],
                           "untracked": sorted(self.untracked.items()), "ended": list(ended.items()), "checks": self.checks}, f)
            return
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        gc.set_debug(0)
        trash = gc.garbage[:]
        del gc.garbage[:]
        start = lambda o: id(o) - preheader_bytes(sys.version_info, type(o).__flags__)
        for _ in range(3):                            # a tuple of tuples of numbers leaves the lists one pass after these
            gc.collect()
        tracked = set(start(o) for o in gc.get_objects())
        index = dict((id(o), i) for i, o in enumerate(trash))
        edges = [[index[id(r)] for r in gc.get_referents(o) if id(r) in index] for o in trash]
        garbage = dict((start(o), i) for i, o in enumerate(trash))
        constants = [constants_of(o) for o in trash]
        what, which, lists, kinds, left, collected = self.lives()
        # so many allocations as it takes to keep the columns short
        step = 16
        while len(kinds) // step >= self.STEPS_MAX:
            step *= 2
        known = len(self.shelves) > 0                 # else an object from a free list was not seen to be made
        events = "".join(chr((97 if w == 0 else 65) + (k if known else 0)) for w, k in zip(what, lists))
        lost, freed, passes, ended, untracked, checks = self.told_by_many_collections()
        columns = load_columns(step, what, which, kinds, known, left, garbage, edges, constants, tracked, lost, freed, passes, ended, untracked)
        if checks:
            columns["check_after"] = [made - before for (before, _), (made, _) in zip([(0, 0)] + checks, checks)]
            columns["check_ends"] = [ends for _, ends in checks]
        with open(self.path, "w") as f:
            json.dump({"shelves": self.shelves, "off": self.off, "application_at": self.application_at, "allocations": len(kinds), "step": step, "columns": columns, "events": events}, f)

    def told_by_many_collections(self):
        """What loads with many collections found, by the number of an object: (how many had been made when it became garbage; the
        how many-th it was of those that collections freed; how many had been made when one freed it; how many had been made when it ended
        otherwise; of one that was on no list after the first collection it survived 1 if it was on none before it either, else 0; and where a
        collection comes that is due, if not as soon as it is: how many had been made, and how many have ended since the last of them).

        Which of two found which other is what the load says that collects seldom: until a collection comes, garbage may be picked up
        again by a weak reference. When it became garbage the other one says, as far as that is in between."""
        import os
        paths = [os.path.join(self.told, name) for name in ("seldom", "often")]
        if not self.told or not all(map(os.path.exists, paths)):
            return {}, {}, {}, {}, {}, []
        seldom, often = [ManyCollections(path, self.sizes) for path in paths]
        times = dict((k, (first + last) // 2) for k, (first, last) in seldom.windows.items())
        for k, window in often.windows.items():
            first, last = [bound(of) for bound, of in zip((max, min), zip(window, seldom.windows.get(k, (1, 0))))]
            if first <= last:
                times[k] = (first + last) // 2
        for k, time in often.ended.items():           # a collection found it, but it lay on a free list until the next event
            if k in times and k not in often.windows and seldom.windows[k][0] < time <= seldom.windows[k][1]:
                times[k] = time - 1
        passes = dict((k, last) for k, (first, last) in seldom.windows.items())
        return times, seldom.ranks, passes, seldom.ended, seldom.untracked, often.checks

    def lives(self):
        """What happens to collectable objects in the order of time. -> (what: 0 made, 1 freed, 2 put on a free list; number of the
        object in the order in which they are made, -1 if older than the trace; number of its free list), the same by object, as it is in the
        end (a tuple may have shrunk: tuple() of an iterator begins with room for ten); {block start: number} of those left; {number: (made so far, number of the collection)} of those that one freed. See `Tracer` for how a
        collectable one is told from others."""
        import array
        what, which, lists, kinds, live, collected = array.array("b"), array.array("l"), array.array("b"), array.array("b"), {}, {}
        collectable = set(id(t) for t in all_types() if t.__flags__ & GC_FLAG)
        self.full, self.checks, ends = [], [], 0
        waits = sys.version_info >= (3, 12)           # a collection: until the bytecode permits it, no more where an object is made
        self.sizes, self.resets = array.array("l"), array.array("l")
        pending = previous = moved_to = None
        head, reset = self.head, 1 << 20              # a collection sets the counter back
        numbers = [shelf[0] for shelf in self.shelves]
        tuple_type, tuples = id(tuple), set()
        self.untracked = {}
        old = 0                                       # 1: emptying the lists of what lay there before, 2: done
        self.application_at = 0
        waiting = set()                               # dead on a free list when a collection began
        for number, (address, size, kind, count0, type_address) in enumerate(traced_events(self.buffer, self.used)):
            if number == self.begun:
                self.application_at = len(kinds)
            op = kind & 255
            if op == 12:
                waiting.add(address)
                continue
            if op == 6:
                if address in live:
                    self.untracked.setdefault(live[address], size)
                continue
            if op == 5 and old < 2:
                old = 1
                continue
            if old == 1:
                old = 2
            change = 0 if previous is None else count0 - previous
            if self.due and change > self.due:
                change -= 2 * self.due
            if not type_address and op in (0, 1):
                waiting.clear()
            if op == 11:
                change = -reset - 1
                if waits and pending is not None and pending[2] not in collectable:
                    pending = None                    # not what it was due for
                self.full.append(size)
                # where it does not wait, the object in the making is not seen by it
                self.resets.append(len(kinds) + (waits and pending is not None))
                if waits:
                    self.checks.append((self.resets[-1], 0 if pending is not None else ends))
            previous = 1 << 24 if self.every else count0
            gone = None
            if op == 1:
                gone = live.pop(address, None)
                change += gone is not None
            elif op == 5 and self.due:
                change += 1
            # one that is freed next of all leaves the counter as it was: its type tells
            at_once = op == 1 and change == 0 and pending is not None and address == pending[0] and pending[2] in collectable
            if pending is not None and (change > 0 or change < -reset or at_once):
                live[pending[0]] = len(kinds)
                kinds.append(free_list_number(pending[2], pending[1], head))
                if pending[2] == tuple_type:
                    tuples.add(len(kinds) - 1)
                self.sizes.append(pending[1])
                # a list or dict that did not look at its free list counts whatever is there
                direct = kinds[-1] in (1, 2) and self.shelves and pending[3] != self.caller
                what.append(0); which.append(len(kinds) - 1); lists.append(0 if direct else kinds[-1])
                change, ends = change - 1, 0
                if op == 1 and address == pending[0]:
                    gone = live.pop(address)
            pending = None
            if op == 11:
                continue
            if op == 0:
                pending = address, size, type_address, kind >> 16
            elif op == 1 and gone is not None or op == 5 or op == 1 and -reset < change < 0:
                if op == 5:
                    gone = live.pop(address, -1)
                elif gone is None:
                    gone = -1
                what.append(1 if op == 1 else 2); which.append(gone); lists.append(numbers[size] if op == 5 else kinds[gone] if gone >= 0 else 0)
                if type_address and gone >= 0 and address not in waiting:
                    collected[gone] = len(kinds), len(self.full) - 1
                ends += not type_address
            elif op == 3:
                moved_to, resized = address, size
            elif op == 2 and address in live:
                live[moved_to] = live.pop(address)
                if live[moved_to] in tuples:
                    kinds[live[moved_to]] = free_list_number(tuple_type, resized, head)
            elif op == 10 and live.get(address) in tuples:
                kinds[live[address]] = free_list_number(tuple_type, size, head)
        return what, which, lists, kinds, live, collected


def all_types():
    """All types there are."""
    known, found = set([object]), [object]
    for t in found:
        for below in type.__subclasses__(t):
            if below not in known:
                known.add(below)
                found.append(below)
    return found


def constants_of(function):
    """Block starts of the tuples that a function's code refers to, that of nested functions included, which no collection finds."""
    code = getattr(function, "__code__", None)
    if type(code) is not type(constants_of.__code__):
        return []
    import ctypes
    found, codes, before = [], [code], preheader_bytes(sys.version_info, tuple.__flags__)
    for code in codes:
        codes += [c for c in code.co_consts if type(c) is type(code)]
        words = (ctypes.c_uint64 * (code.__sizeof__() // 8)).from_address(id(code))
        found += [word - before for word in words]
    return found


class ManyCollections(object):
    """What a load with many collections found, by the number that an object has in the load whose `sizes` these are, and with times
    of that load."""

    def __init__(self, path, sizes):
        import array
        import json
        with open(path) as f:
            said = json.load(f)
        others = len(said["sizes"])
        match = aligned(sizes, array.array("l", said["sizes"]), 16)

        def here(told):
            return dict((i, told[k]) for i, k in enumerate(match) if k in told)
        resets, oldest = said["resets"], {}
        last = dict((k, time) for k, time, n in said["collected"])
        found_by = dict((k, n) for k, time, n in said["collected"])
        for k, n in found_by.items():
            oldest[n] = min(k, oldest.get(n, k))
        before, full = [], 0                          # what a full collection finds no other may have been able to find before, if it is old
        for n, (time, is_full) in enumerate(zip(resets, said["full"])):
            old = is_full and oldest.get(n, 0) < time - said["reach"]
            before.append(full if old else resets[n - 1] if n else 0)
            full = time if is_full else full
        first = dict((k, max(before[n] if n >= 0 else 0, k)) for k, n in found_by.items())
        first, last = [carried_over(match, others, told) for told in (first, last)]
        # since it was made, and since the collection before the one that found it
        self.windows = dict((k, (first[k], last[k])) for k in first)
        self.ranks = here(dict((k, rank) for rank, (k, time, n) in enumerate(said["collected"])))
        self.ended = carried_over(match, others, dict(said["ended"]))
        self.untracked = here(dict(said["untracked"]))
        numbers = dict((k, i) for i, k in enumerate(match) if k >= 0)
        self.checks = [(numbers[made - 1] + 1, ends) for made, ends in said["checks"] if made - 1 in numbers]


def carried_over(match, others, times):
    """When what is told of objects in another record of one course of events happens in this one. Both records are of objects in
    the order in which they are made, objects are named by their number, and a time is how many there are. `match` is `aligned`'s
    number in the other record, which is of `others` objects, for each number in this one."""
    import array
    here, last = array.array("l", [-1]) * (others + 1), 0
    for i, k in enumerate(match):
        if k >= 0:
            here[k] = i
    for k in range(len(here)):
        last = here[k] = max(last, here[k])
    return dict((i, here[times[k]]) for i, k in enumerate(match) if k in times)


def aligned(a, b, window):
    """Number in `b` of each number in `a`: two records of one course of events, with a few more or fewer here or there, after which
    so many say the same again."""
    import array
    found, i, j = array.array("l", [-1]) * len(a), 0, 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            found[i] = j
            i, j = i + 1, j + 1
            continue
        for reach in (64, 1024, 16384, 131072):
            met = meeting(a, b, i, j, reach, window)
            if met:
                i, j = met
                break
        else:
            break
    return found


def meeting(a, b, i, j, reach, window):
    """Places from i and j on, not farther than `reach`, where both records say the same for a while: near, and above all as far in the one
    as in the other, since much in a load is done again and again. None if there are none."""
    places, best = {}, None
    for k in range(min(j + reach, len(b) - window), j - 1, -1):
        places.setdefault(b[k:k + window].tobytes(), []).append(k)
    for k in range(i, min(i + reach, len(a) - window)):
        if best and k - i >= best[0]:
            break
        same = places.get(a[k:k + window].tobytes())
        if same:
            place = min(same, key=lambda place: abs(place - j - (k - i)))
            cost = k - i + 8 * abs(place - j - (k - i))
            if not best or cost < best[0]:
                best = cost, k, place
    return best and best[1:]


def components(edges):
    """Tarjan's strongly connected components -> component of each node, number of them. A referrer's number is never below
    that of what it refers to."""
    n = len(edges)
    index, low, on, stack, component, made, count = [0] * n, [0] * n, [False] * n, [], [-1] * n, 0, 0
    for root in range(n):
        work = [] if index[root] else [(root, 0)]
        while work:
            v, i = work.pop()
            if i == 0:
                made += 1
                index[v] = low[v] = made
                stack.append(v)
                on[v] = True
            descended = False
            for k in range(i, len(edges[v])):
                w = edges[v][k]
                if not index[w]:
                    work += [(v, k + 1), (w, 0)]
                    descended = True
                    break
                if on[w]:
                    low[v] = min(low[v], index[w])
            if descended:
                continue
            if low[v] == index[v]:
                w = None
                while w != v:
                    w = stack.pop()
                    on[w], component[w] = False, count
                count += 1
            if work:
                u = work[-1][0]
                low[u] = min(low[u], low[v])
    return component, count


NOT_FOUND, NOT_LISTED, AT_ONCE = 32, 64, 128           # added to the number of a free list, see `load_columns`


def load_columns(step, what, which, kinds, known, left, garbage, edges, constants, tracked, lost, freed, passes, ended, untracked):
    """The lives of a load in steps of so many objects made, as columns of whole numbers. For each step: `unlisted`, objects made in it
    that are never counted among those on the collector's lists; `dicts`, those that are taken off by a full collection only; `nested`, lasting tuples among
    the unlisted that the first collection leaves on the lists, as it comes to what they hold after them; `ends`, how many rows of `age` (in steps) and `ended` (objects of
    that age on its lists that end in this step) are its. Of garbage each object counts, no steps: rows of `lost_after` (objects made between
    the row before and this one), `lost_age`, `holder_age` (of the oldest object that a collection has to look at for them to go),
    `leader_older` (by how much the oldest is older that leads to them: looked at, too, they are found), `list` (number of their free list) and `lost` (objects
    that become unreachable now). To the list's number NOT_FOUND is added for objects that a collection of the others frees along with them (the constants of a function's code, the
    weak references by which a class knows its subclasses), NOT_LISTED if these are not on the collector's lists, AT_ONCE for those that something else referred to
    as well, up to now: if the garbage that led to them has been collected by then, they go without a collection.

    Cyclic garbage becomes unreachable when `lost` says so; where it does not, not before the garbage and all that leads to it
    has been made and lost. What became garbage later did not lead to it: it came upon it in the meantime, by a weak reference.
    Which was later is a matter of `passes`, where both are known: the collections of a load that collects seldom.
    What is in no cycle itself goes with the last that leads to it, however old it is.

    `freed` is the order in which collections freed objects: what they do not find goes while what refers to it goes, so just before it.
    What has `ended` otherwise, once collections had freed some of what refers to it, ends with the first collection after that."""
    from bisect import bisect_left
    births = len(kinds)
    steps = births // step + 1
    component, count = components(edges)
    number = dict((i, left[address]) for address, i in garbage.items() if address in left)
    found = set(number.values())
    since, oldest, eldest, said, found_in = [0] * count, [births] * count, [births] * count, [False] * count, [0] * count
    members, held = [[] for _ in range(count)], [False] * count
    for v, c in enumerate(component):
        members[c].append(v)
        for w in edges[v]:
            held[component[w]] |= component[w] != c
    for v, c in enumerate(component):
        if v in number:
            a = number[v]
            since[c], said[c] = max(since[c], a, lost.get(a, ended.get(a, 0))), said[c] or a in lost or a in ended
            eldest[c] = min(eldest[c], a)
            found_in[c] = max(found_in[c], passes.get(a, 0))
            if not held[c] or len(members[c]) > 1 or v in edges[v]:
                oldest[c] = min(oldest[c], a)
    for c in range(count - 1, -1, -1):
        if oldest[c] == births:
            oldest[c] = min([number[v] for v in members[c] if v in number] or [births])
        for v in members[c]:
            for w in edges[v]:
                d = component[w]
                if d == c or said[d] and (found_in[c] > found_in[d] if found_in[c] and found_in[d] else since[c] > since[d]):
                    continue
                since[d], oldest[d], eldest[d] = max(since[d], since[c]), min(oldest[d], oldest[c]), min(eldest[d], eldest[c])

    def off(k):
        """No list has it after the first collection: a tuple that this takes off, a dict that never was on one. Other objects may
        have been in the making; a dict is taken off by full collections only."""
        return k in untracked and (kinds[k] == 2) == bool(untracked[k])
    listed = bytearray([1]) * births
    for k in untracked:
        # a dict that is found is on a list by then, whatever it was on when it was empty
        listed[k] = not off(k) or kinds[k] == 2 and k in found
    unlisted, dicts, nested, ends, losses = [0] * steps, [0] * steps, [0] * steps, [{} for _ in range(steps)], {}
    for address, k in left.items():
        if address not in garbage:
            listed[k] = address in tracked
            if not listed[k] and kinds[k] == 2 and untracked and not untracked.get(k):
                listed[k] = True
                dicts[k // step] += 1
            elif not listed[k] and untracked and k not in untracked:
                nested[k // step] += 1
    for k, on in enumerate(listed):
        unlisted[k // step] += not on
    made = 0
    for w, a in zip(what, which):
        if w == 0:
            made += 1
        elif a < 0 or listed[a]:
            now = made // step
            age = now - a // step if a >= 0 else now + 1  # the interpreter's own
            ends[now][age] = ends[now].get(age, 0) + 1

    def lose(k, time, holder, leader, along):
        now = min(max(time, k + 1, holder + 1), births)
        holder, leader = min(holder, births - 1), min(leader, holder, births - 1)
        key = now, now - k, now - holder, holder - leader, (kinds[k] if known else 0) + (0 if listed[k] else NOT_LISTED) + along
        losses[key] = losses.get(key, 0) + 1
    together = {}                                     # what a collection found at a time, in the order in which it was freed
    for v, k in sorted(number.items(), key=lambda pair: pair[1]):
        c = component[v]
        lose(k, since[c], oldest[c], eldest[c], AT_ONCE if k in ended and k not in lost else 0)
        if k in lost:
            together.setdefault(passes[k], []).append((freed[k], c))
    for owners in together.values():
        owners.sort()
    owned = {}                                        # of what only code leads to: who of the garbage has it
    for i, starts in enumerate(constants):
        for start in starts:
            if start in left and left[start] not in found:
                owned.setdefault(left[start], set()).add(component[i])
    for k in left.values():
        if k in found:
            continue
        if k in owned and k in ended and k not in lost:
            time, holder = max(since[c] for c in owned[k]), min(oldest[c] for c in owned[k])
            lose(k, max(time, ended[k]), holder, holder, NOT_FOUND + (AT_ONCE if time < ended[k] else 0))
        elif k in lost and passes[k] in together:
            owners = together[passes[k]]
            c = owners[min(bisect_left(owners, (freed[k], 0)), len(owners) - 1)][1]
            lose(k, since[c], oldest[c], oldest[c], NOT_FOUND)
        elif k in ended:
            lose(k, ended[k], ended[k], ended[k], NOT_FOUND)
    columns = {"unlisted": unlisted, "dicts": dicts, "nested": nested, "ends": [len(e) for e in ends]}
    pairs = [(age, e[age]) for e in ends for age in sorted(e)]
    rows, last = [], 0
    for key in sorted(losses):
        rows.append((key[0] - last,) + key[1:] + (losses[key],))
        last = key[0]
    for names, table in ((("age", "ended"), pairs), (("lost_after", "lost_age", "holder_age", "leader_older", "list", "lost"), rows)):
        for k, name in enumerate(names):
            columns[name] = [row[k] for row in table]
    return columns


# ---------------------------------------------------------------------------------------------------------------------
# In the launcher: the master's memory


class Memory(object):
    """The address space of the stopped master, read through /proc: mappings, page table entries, contents of present pages."""

    def __init__(self, pid):
        import array
        import bisect
        import os
        import struct
        self.pid, self.bisect = pid, bisect.bisect_right
        self.vmas = []                               # (start, end, permissions, path, kind, page entries)
        with open("/proc/%d/maps" % pid) as f:
            lines = f.read().splitlines()
        try:
            pagemap = open("/proc/%d/pagemap" % pid, "rb", 0)
            self.fd = os.open("/proc/%d/mem" % pid, os.O_RDONLY)
        except (OSError, IOError) as e:
            raise CaptureError("the application's memory may not be read (%s): a parent must be allowed to trace its child; see kernel.yama.ptrace_scope, or a container's seccomp profile and CAP_SYS_PTRACE"
                               % e.strerror)
        with pagemap:
            for l in lines:
                p = l.split(None, 5)
                lo, hi = (int(x, 16) for x in p[0].split("-"))
                path = p[5].strip() if len(p) > 5 else ""
                kind = vma_kind(p[1], path)
                if kind and hi <= 1 << 47:
                    self.vmas.append((lo, hi, p[1], path, kind, page_entries(pagemap, lo, hi)))
        self.starts, self.segments = [], []
        for lo, hi, perm, path, kind, entries in self.vmas:
            if "w" not in perm:
                continue
            for a, b in runs(entries):
                os.lseek(self.fd, lo + a * PAGE, os.SEEK_SET)
                parts, need = [], (b - a) * PAGE
                while need:
                    got = os.read(self.fd, min(need, 1 << 24))
                    if not got:
                        raise CaptureError("cannot read the memory of process %d at 0x%x" % (pid, lo + a * PAGE))
                    parts.append(got)
                    need -= len(got)
                self.starts.append(lo + a * PAGE)
                self.segments.append(b"".join(parts))
        self.unpack = struct.unpack_from
        self.array = array.array
        self.os = os

    def at(self, address):
        """-> (bytes, offset in them) or (None, 0)"""
        i = self.bisect(self.starts, address) - 1
        if i >= 0:
            s = self.segments[i]
            offset = address - self.starts[i]
            if offset + 8 <= len(s):
                return s, offset
        return None, 0

    def read(self, fmt, address):
        s, offset = self.at(address)
        if s is None or offset + 64 > len(s):
            try:
                self.os.lseek(self.fd, address, 0)
                s, offset = self.os.read(self.fd, 64), 0
            except (OSError, OverflowError):
                return None
            if len(s) < 64:
                s += b"\0" * (64 - len(s))
        return self.unpack(fmt, s, offset)

    def word(self, address):
        s, offset = self.at(address)
        if s is not None:
            return self.unpack("<Q", s, offset)[0]
        r = self.read("<Q", address)
        return r[0] if r else None


def vma_kind(perm, path):
    if path == "[heap]":
        return "brk_heap"
    if path == "[stack]":
        return "stack"
    if path.startswith("[v"):
        return None
    if path == "" or path.startswith("[anon"):
        return "anon"
    return "lib_data" if "w" in perm else "file_ro"


def page_entries(pagemap, lo, hi):
    import array
    out = array.array("L")
    pagemap.seek(lo // PAGE * 8)
    need = (hi - lo) // PAGE * 8
    while need:
        got = pagemap.read(min(need, 1 << 20))
        if not got:
            out.extend([0] * (need // 8))
            break
        if hasattr(out, "frombytes"):
            out.frombytes(got)
        else:
            out.fromstring(got)
        need -= len(got)
    return out


def runs(entries):
    """[first, after last] page numbers of present (or swapped) runs."""
    out, start = [], None
    for i, e in enumerate(entries):
        if e >> 62:
            if start is None:
                start = i
        elif start is not None:
            out.append((start, i))
            start = None
    if start is not None:
        out.append((start, len(entries)))
    return out


class Pools(object):
    """pymalloc's arenas and pools as found in the master's memory."""

    def __init__(self, memory, version):
        self.memory = memory
        self.arena_bytes, self.pool_bytes = (1 << 20, 1 << 14) if version >= (3, 10) else (1 << 18, 1 << 12)
        self.pools = {}                              # address -> (szidx, count, nextoffset, maxnextoffset, [free block offsets])
        self.nexts, self.arenaindex = {}, {}
        self.align = None
        self.arenas, self.free_pools, self.usable, self.used = [], [], [], {}
        self.find_pools()
        self.find_arenas()
        self.find_used()

    def find_pools(self):
        m, size = self.memory, self.pool_bytes
        headers, votes = [], {}
        for start, data in zip(m.starts, m.segments):
            first = (start + size - 1) // size * size
            for a in range(first, start + len(data) - 47, size):
                count, free, nxt, prev, arena, szidx, nextoffset, maxnext = m.unpack("<QQQQIIII", data, a - start)
                count &= 0xffffffff
                if not (0 < count <= (size - 48) // 8 and szidx < 64 and 48 < nextoffset <= size and maxnext < size):
                    continue
                block, rest = divmod(size - maxnext, szidx + 1)
                if rest or block not in (8, 16) or (nextoffset - 48) % (block * (szidx + 1)) or count > (size - 48) // (block * (szidx + 1)):
                    continue
                votes[block] = votes.get(block, 0) + 1
                headers.append((a, count, free, nxt, arena, szidx, nextoffset, maxnext, block))
        if not votes:
            raise CaptureError("no pymalloc pools found (PYTHONMALLOC set, or a build without pymalloc?)")
        self.align = max(votes, key=lambda k: votes[k])
        for a, count, free, nxt, arena, szidx, nextoffset, maxnext, block in headers:
            if block != self.align:
                continue
            chain, at, width = [], free, block * (szidx + 1)
            while at:
                offset = at - a
                if not 48 <= offset < nextoffset or (offset - 48) % width or len(chain) > size // width:
                    chain = None
                    break
                chain.append(offset)
                at = m.word(at)
            if chain is None or count + len(chain) != (nextoffset - 48) // width:
                continue
            self.pools[a] = (szidx, count, nextoffset, maxnext, chain)
            self.nexts[a], self.arenaindex[a] = nxt, arena

    def find_arenas(self):
        """The array of arena objects is recognised by the addresses that the pools of one arena allow it to have."""
        import struct
        m, spans = self.memory, {}
        for a, i in self.arenaindex.items():
            lo, hi = spans.get(i, (a, a))
            spans[i] = (min(lo, a), max(hi, a))
        widest = sorted(spans, key=lambda i: spans[i][0] - spans[i][1])
        for i in widest[:3]:
            lo, hi = spans[i]
            for base in range((hi + self.pool_bytes - self.arena_bytes + PAGE - 1) // PAGE * PAGE, lo + 1, PAGE):
                key = struct.pack("<Q", base)
                for start, data in zip(m.starts, m.segments):
                    at = data.find(key)
                    while at >= 0:
                        if at % 8 == 0 and self.arena_table(start + at - 48 * i, spans):
                            return
                        at = data.find(key, at + 1)
        for i in sorted(spans):                      # not found: reckoned from the pools' addresses
            lo, hi = spans[i]
            base = max(hi + self.pool_bytes - self.arena_bytes, lo - self.pool_bytes + PAGE) if hi - lo < self.arena_bytes - self.pool_bytes else lo
            self.arenas.append((base, self.arena_bytes // self.pool_bytes))

    def arena_table(self, table, spans):
        rows = {}
        for i in range(max(spans) + 1):
            r = self.memory.read("<QQIIQQQ", table + 48 * i)
            if r is None:
                return False
            if i in spans and not (r[0] and r[0] <= spans[i][0] and spans[i][1] + self.pool_bytes <= r[0] + self.arena_bytes):
                return False
            if r[0]:
                rows[i] = r
        i = max(spans) + 1                           # arenas without a pool in use may follow
        while True:
            r = self.memory.read("<QQIIQQQ", table + 48 * i)
            if r is None or not r[0] or r[0] % PAGE or r[3] not in (self.arena_bytes // self.pool_bytes, self.arena_bytes // self.pool_bytes - 1) or not r[0] < r[1] <= r[0] + self.arena_bytes:
                break
            rows[i] = r
            i += 1
        # one without a pool in use that lies behind unused rows is known to its neighbours in the list of usable arenas
        linked = [at for r in rows.values() if r[2] for at in r[5:7]]
        while linked:
            i, rest = divmod(linked.pop() - table, 48)
            r = self.memory.read("<QQIIQQQ", table + 48 * i) if i > max(spans) and not rest and i not in rows else None
            if r and r[0] and r[2]:
                rows[i] = r
                linked += r[5:7]
        for i in sorted(rows, key=lambda i: rows[i][0]):
            address, pool_address, nfree, total, freepools, nxt, prev = rows[i]
            self.arenas.append((address, total))
            chain, at = [], freepools
            while at and len(chain) <= total:
                chain.append(at)
                at = self.memory.word(at + 16)
            self.free_pools.append((address, chain, pool_address, nfree))
        heads = [i for i in rows if rows[i][2] and not rows[i][6]]
        if len(heads) == 1:
            at = table + 48 * heads[0]
            while at and len(self.usable) <= len(rows):
                r = self.memory.read("<QQIIQQQ", at)
                self.usable.append(r[0])
                at = r[5]
        return True

    def find_used(self):
        partial = {}
        for a, (szidx, count, nextoffset, maxnext, chain) in self.pools.items():
            if chain or nextoffset <= maxnext:
                partial.setdefault(szidx, set()).add(a)
        for szidx, addresses in partial.items():
            at, head = self.nexts[next(iter(addresses))], None
            for _ in range(len(addresses) + 1):
                if at not in addresses:
                    head = at
                    break
                at = self.nexts[at]
            if head is None:
                continue
            order, at = [], self.memory.word(head + 16)
            while at in addresses and len(order) <= len(addresses):
                order.append(at)
                at = self.nexts[at]
            if at == head and len(order) == len(addresses):
                self.used[szidx] = order

    def block_of(self, address):
        """The block that holds an address: (its start, its size), None if the address is in no pool, False if the block is free."""
        pool = address & ~(self.pool_bytes - 1)
        p = self.pools.get(pool)
        if p is None:
            return None
        width = (p[0] + 1) * self.align
        offset = address - pool - 48
        if offset < 0:
            return False
        start = 48 + offset // width * width
        if start >= p[2] or start in p[4]:
            return False
        return pool + start, width


def c_heap(memory):
    """What glibc's malloc has in its data segment, as the profile's line; None where another malloc is at work. Its parameters are
    recognised by their constants: the bytes that each growth adds, 128 KiB, the arenas to test, 8, and the most mappings, 65536."""
    heaps = [v for v in memory.vmas if v[4] == "brk_heap"]
    if not heaps:
        return None
    start, end = heaps[0][0], heaps[-1][1]
    read = memory.read
    for lo, hi, perm, path, kind, entries in memory.vmas:
        if kind != "lib_data" or "libc" not in path:
            continue
        found = top = None
        for at in range(lo, hi - 128, 8):
            words = read("<QQQQ", at)
            if not words:
                continue
            if words[1] == 1 << 17 and words[3] == 8 and any(read("<i", at + k)[0] == 65536 for k in range(40, 72, 4)):
                found = words[0], words[2]
            if start < words[0] < end and words[0] % 16 == 0 and top is None:
                size = memory.word(words[0] + 8)
                if size and size & 1 and words[0] + (size & ~7) == end:
                    top = words[0]
        if found and top:
            break
    else:
        return None
    free, at = [], start + 8 & ~15                    # where an address that is a multiple of 16 has its size before it
    previous = 0
    while at < top:
        size = memory.word(at + 8)
        if not size or size & ~7 < 32 or at + (size & ~7) > top:
            return None
        if previous and not size & 1:
            free.append([previous + 16, (at - previous) - 8])
        previous, at = at, at + (size & ~7)
    return {"c_heap": [found[0], found[1], top, end - top, free]}


class Collector(object):
    """The collector's generations in the master's memory, found by their thresholds and the lists that lead back to them."""

    def __init__(self, memory, version, thresholds):
        import struct
        self.memory, self.version = memory, version
        self.head = 32 if version < (3, 8) else 16
        self.stride = 24 if self.head == 16 else 48 if version >= (3,) else 40
        self.base = None
        a, b, c = (struct.pack("<i", t) for t in thresholds)
        h, s = self.head, self.stride
        for (lo, hi, perm, path, kind, entries) in memory.vmas:
            if "w" not in perm or kind == "stack":
                continue
            for start, data in zip(memory.starts, memory.segments):
                if not lo <= start < hi:
                    continue
                at = data.find(b, h + s)
                while at >= 0:
                    if at % 4 == 0 and data[at - s:at - s + 4] == a and data[at + s:at + s + 4] == c:
                        base = start + at - s - h
                        if base % 8 == 0 and all(self.is_list(base + g * s) for g in range(3)):
                            self.base = base
                            return
                    at = data.find(b, at + 1)

    def is_list(self, head):
        links = self.memory.read("<QQ", head)
        if not links or not all(0 < l < 1 << 47 for l in links):
            return False
        nxt, prev = links[0] & ~3, links[1] & ~3
        n, p = self.memory.read("<QQ", nxt), self.memory.read("<QQ", prev)
        return bool(n and p and n[1] & ~3 == head and p[0] & ~3 == head)

    def objects(self, head):
        """Object addresses of a list, in its order."""
        out, at = [], self.memory.word(head)
        while at is not None and at & ~3 != head:
            out.append((at & ~3) + self.head)
            if len(out) > 1 << 28:
                break
            at = self.memory.word(at & ~3)
        else:
            if at is not None:
                return out
        raise CaptureError("the collector's list at 0x%x does not lead back" % head)

    def generation(self, g):
        return self.objects(self.base + g * self.stride)

    def atomic_tuples(self):
        """How many tuples the next collection of generation 0 takes off its lists, and one of generation 1 after that, in their order: those with
        nothing in them that could be part of a cycle (as _PyTuple_MaybeUntrack has it)."""
        lists = [self.generation(g) for g in range(3)]
        tracked, word = set(o for objects in lists for o in objects), self.memory.word
        kinds = set(word(o + 8) for o in tracked)
        tuples = set(t for t in kinds if self.memory.read("<6s", word(t + 24))[0] == b"tuple\0")

        def may_be_tracked(o):
            kind = word(o + 8)
            flags = word(kind + 168)
            if not flags & GC_FLAG or flags >> 31 & 1 and not word(o + 168) >> 9 & 1:
                return False                          # no collectable type, or a class that is static
            return kind not in tuples or o in tracked

        def taken_off(objects):
            gone = 0
            for o in objects:
                if word(o + 8) in tuples and not any(not item or may_be_tracked(item) for item in (word(o + 24 + 8 * k) for k in range(word(o + 16)))):
                    tracked.discard(o)
                    gone += 1
            return gone
        return [taken_off(lists[0]), taken_off(lists[1] + [o for o in lists[0] if o in tracked])]

    def counts(self):
        return [self.memory.read("<i", self.base + g * self.stride + self.head + 4)[0] for g in range(3)]

    def count0_address(self):
        return self.base + self.head + 4

    def switches(self):
        """Where it says whether it is collecting, how many collections of generation 1 there were, and long_lived_total: what makes each
        collection a full one (see alloc_trace.c)."""
        at = self.permanent() + self.stride
        return [at + 72, self.base + 2 * self.stride + self.head + 4, at + 96]

    def permanent(self):
        if self.version < (3, 7):
            return None
        return self.base + (160 if self.head == 32 else 80)

    def long_lived(self, stats):
        """(total, pending), or None where the struct does not hold what gc.get_stats() says (3.6 and before: elsewhere)"""
        if self.version < (3, 7):
            return None
        at = self.permanent() + self.stride
        for g in range(3):
            if list(self.memory.read("<qqq", at + 24 * g)) != list(stats[g]):
                return None
        total, pending = self.memory.read("<qq", at + 72 + 24)
        return (total, pending) if 0 <= total < 1 << 40 and 0 <= pending < 1 << 40 else None


def owned_blocks(memory, pools, version, o, kind, flags, basicsize, shared):
    """The separate blocks of an object as [[address, bytes, kind], ...], read at the offsets of the release."""
    out = []
    read = memory.read
    if kind == KIND_LIST:
        items, allocated = read("<Qq", o + 24)
        if items and allocated > 0:
            out.append([items, allocated * 8, ITEMS])
    elif kind == KIND_DICT and version >= (3, 6):
        keys, values = read("<QQ", o + 32)
        out.extend(dict_keys(memory, keys, version, shared))
        if values and version < (3, 11):
            size = read("<q", keys + 8)[0]
            out.append([values, (size * 2 // 3) * 8, VALUES])
        elif values:
            out.extend(values_block(memory, pools, version, values))
    elif kind == KIND_DICT:
        mask, table = read("<qQ", o + 32)
        if table != o + 56:
            out.append([table, (mask + 1) * 24, KEYS])
    elif kind == KIND_SET:
        mask, table = read("<qQ", o + 32)
        if table and table != o + (56 if version < (3,) else 64):
            out.append([table, (mask + 1) * 16, TABLE])
    elif kind == KIND_BYTEARRAY and version >= (3,):
        allocated, start = read("<qQ", o + 24)
        if start and allocated > 0:
            out.append([start, allocated, OTHER])
    elif kind == KIND_ARRAY:
        start, allocated, descr = read("<QqQ", o + 24)
        if start and allocated > 0:
            out.append([start, allocated * read("<i", descr + 4)[0], OTHER])
    if flags & 1 << 4 and version >= (3, 11) and flags & GC_FLAG:
        if version < (3, 12):
            values = read("<Q", o - 32)[0]
        elif version < (3, 13):
            values = read("<Q", o - 24)[0]
            values = values + 1 if values & 1 else 0
        else:
            values = 0
        if values:
            out.extend(values_block(memory, pools, version, values))
    return out


def dict_keys(memory, keys, version, shared):
    if not keys or keys in shared:
        return []
    if version >= (3, 11):
        log2_size, log2_index, kind = memory.read("<BBB", keys + 8)
        if log2_size > 40 or log2_index > 44 or log2_size < 3:
            return []                                 # the static empty keys
        size = 1 << log2_size
        n = 32 + (1 << log2_index) + size * 2 // 3 * (16 if kind else 24)
    else:
        size = memory.read("<q", keys + 8)[0]
        if size < 8 or size & (size - 1):
            return []
        index = 1 if size <= 0xff else 2 if size <= 0xffff else 4 if size <= 0xffffffff else 8
        n = 40 + index * size + size * 2 // 3 * 24
    shared.add(keys)
    return [[keys, n, KEYS]]


def values_block(memory, pools, version, values):
    if version >= (3, 13):
        capacity, size, embedded = memory.read("<BBB", values)
        return [] if embedded else [[values, 8 + (capacity + 7) // 8 * 8 + capacity * 8, VALUES]]
    prefix = memory.read("<B", values - 1)[0]
    block = pools.block_of(values - prefix)
    if not block or block[0] != values - prefix:
        return []
    return [[block[0], min(block[1], prefix + 8 * max(prefix - 2, 1)), VALUES]]


# ---------------------------------------------------------------------------------------------------------------------
# In the launcher


class Progress(object):
    """One line on standard error that is rewritten, only on a terminal."""

    def __init__(self):
        self.on = sys.stderr.isatty()

    def __call__(self, text):
        if self.on:
            sys.stderr.write("\r\033[K" + text)
            sys.stderr.flush()

    def done(self):
        self("")


class Master(object):
    """The interpreter that holds the application, driven through pipes."""

    def __init__(self, python, names, kind, gc_mode, paths, headers, timeout, quiet=False, server="", served=""):
        """`served`: the application that gunicorn is to load and serve; else the stub loads all names and calls the first. `server`:
        gunicorn, uwsgi or none; with uwsgi `python` is its program."""
        import os
        import shutil
        import signal
        import subprocess
        import tempfile
        self.os, self.timeout, self.log, self.serving = os, timeout, None, None
        self.starts = [START] if served else []
        self.directory = tempfile.mkdtemp(prefix="preforklab-")
        source = os.path.join(self.directory, "stub")
        begin = COMPILED * (server == "uwsgi") + (HALT % signal.SIGSTOP if gc_mode == "traced" else OFF if gc_mode == "disabled" else "") + BEGIN % source
        for name, text in (("stub", stub(server)), ("preforklab_begin.py", begin)):
            with open(os.path.join(self.directory, name), "w") as f:
                f.write(text)
        replies, reply = os.pipe()
        command_r, self.commands = os.pipe()
        child_r, self.child_commands = os.pipe()
        env = dict(os.environ)
        paths = [os.path.abspath(p) for p in paths]
        if server == "uwsgi":
            paths.insert(0, self.directory)
        if paths:
            env["PYTHONPATH"] = os.pathsep.join(paths + [p for p in [env.get("PYTHONPATH")] if p])
        arguments = [str(reply), str(command_r), str(child_r), gc_mode, kind, " ".join(names), "\n".join(headers)]
        passed = [reply, command_r, child_r]
        if served:
            client = Client(headers, timeout)
            passed += client.ends
            arguments += [served] + [str(fd) for fd in client.ends]
        nowhere = open(os.devnull, "r+b")
        said = [nowhere.fileno()] * 2 if quiet else [1, 2]
        if server == "uwsgi":
            said = [os.dup(fd) for fd in said]        # uWSGI itself speaks into a file
            passed += said
            env["PREFORKLAB_CAPTURE"] = "\x1f".join(arguments + [str(fd) for fd in said])
            command = [python, "--plugin", "python3", "--socket", os.path.join(self.directory, "socket"), "--master", "--processes", "4", "--module", "preforklab_begin", "--need-app", "--single-interpreter", "--disable-logging"]
            if len(paths) > 1:
                command += ["--chdir", paths[1]]
            compiled = dict(env, PREFORKLAB_COMPILE="1")
            compiled.pop("PYTHONDONTWRITEBYTECODE", None)
            self.log = os.path.join(self.directory, "log")
            said = [os.open(self.log, os.O_WRONLY | os.O_CREAT, 0o600)] * 2
            passed_here = said[:1]
        else:
            command, passed_here = [python, "-c", begin] + arguments, []
        options = {"pass_fds": passed} if sys.version_info >= (3,) else {}
        try:
            if server == "uwsgi":
                wait_for(subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, env=compiled, preexec_fn=os.setsid), timeout)
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said[0], stderr=said[1], env=env, preexec_fn=os.setsid, **options)
        except OSError as e:
            shutil.rmtree(self.directory, True)
            raise CaptureError("cannot run %s: %s" % (python, e.strerror))
        finally:
            nowhere.close()
            for fd in passed_here:
                os.close(fd)
        self.process.stdin.close()
        for fd in passed:
            os.close(fd)
        self.replies, self.rest = replies, b""
        self.pid = self.process.pid

    def expect(self, letter, timeout=None):
        import select
        import time
        timeout = timeout or self.timeout
        limit = time.time() + timeout
        while b"\n" not in self.rest:
            if not select.select([self.replies], [], [], max(0, min(1, limit - time.time())))[0]:
                if time.time() >= limit:
                    raise CaptureError("the application did not answer within %d s" % timeout)
                if self.serving and state_of(self.serving) in (None, "Z"):
                    raise CaptureError("the child that served the requests ended: it exited or was killed")
                continue
            got = self.os.read(self.replies, 65536)
            if not got:
                raise CaptureError(self.why_ended())
            self.rest += got
        line, _, self.rest = self.rest.partition(b"\n")
        line = line.decode("utf-8", "replace")
        if line[:1] != letter:
            raise Refusal(line[2:]) if line[:1] == "E" else CaptureError("unexpected answer %r" % line)
        return line[2:].split(" ")

    def why_ended(self):
        """One line, with what uWSGI said last if it has run no Python code."""
        if self.log:
            with open(self.log) as f:
                said = f.read()
            if "Python main interpreter" not in said:
                return "uWSGI ended before it ran Python: %s" % (said.strip().splitlines() or ["it said nothing"])[-1]
        return "the application's process ended"

    def order(self, text):
        self.os.write(self.commands, (text + "\n").encode("utf-8"))

    def stop(self):
        """Halts the master, all its threads, once it waits for the next order."""
        import signal
        self.await_state("S", 5)
        self.os.kill(self.pid, signal.SIGSTOP)
        if not self.await_state("T", 5):
            raise CaptureError("the application's process does not stop")

    def halted(self):
        """Waits until the interpreter has begun with the stub and halted."""
        import time
        limit = time.time() + self.timeout
        while state_of(self.pid) != "T":
            if state_of(self.pid) in (None, "Z"):
                raise CaptureError(self.why_ended())
            if time.time() > limit:
                raise CaptureError("the interpreter did not begin within %d s" % self.timeout)
            time.sleep(0.005)

    def go_on(self):
        import signal
        self.os.kill(self.pid, signal.SIGCONT)

    def await_state(self, state, seconds):
        import time
        for _ in range(seconds * 200):
            if state_of(self.pid) == state:
                return True
            time.sleep(0.005)
        return False

    def child(self):
        return Child(self)

    def worker(self):
        """A child that has done what the server's workers do before their first request."""
        return Child(self, self.starts)

    def close(self):
        import shutil
        import signal
        try:
            self.os.killpg(self.pid, signal.SIGKILL)      # with children that may still serve a request
        except OSError:
            pass
        self.process.wait()
        shutil.rmtree(self.directory, True)


def wait_for(process, seconds):
    """Until a process ends that leads a group, or it has had its time, or nobody waits any more: then it is killed with the group."""
    import os
    import signal
    import time
    limit = time.time() + seconds
    try:
        while process.poll() is None and time.time() <= limit:
            time.sleep(0.02)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def state_of(pid):
    """The letter of a process's state, None if there is no such process."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0]
    except (IOError, OSError):
        return None


class Client(object):
    """Sends the requests to a server on the loopback, one at a time, as a child asks for them by `ends`: a line with port and
    request; the answers are an empty line once it has connected and sent, and a line with the status. Ends with the master."""

    def __init__(self, headers, timeout):
        import os
        import threading
        self.headers = "".join("%s: %s\r\n" % (h.partition("=")[0][5:].replace("_", "-").title(), h.partition("=")[2]) for h in headers)
        self.timeout = timeout
        self.asked, asked = os.pipe()
        answers, self.answers = os.pipe()
        self.ends = [asked, answers]
        thread = threading.Thread(target=self.serve)
        thread.daemon = True
        thread.start()

    def serve(self):
        import os
        rest = b""
        while True:
            got = os.read(self.asked, 65536)
            if not got:
                break
            rest += got
            while b"\n" in rest:
                text, _, rest = rest.partition(b"\n")
                try:
                    answer = self.ask(*text.decode("utf-8").split("\t"))
                except (IOError, OSError, ValueError) as e:
                    answer = "no answer from the server: %s" % str(e).replace("\n", " ")
                try:
                    os.write(self.answers, (answer + "\n").encode("utf-8"))
                except OSError:                       # the child has ended
                    break
        os.close(self.asked)
        os.close(self.answers)

    def ask(self, port, method, path, query, content, body):
        """-> the status, or why there is none"""
        import os
        import socket
        if sys.version_info >= (3,):
            from urllib.parse import quote
            path = quote(path)
        data = body.encode("utf-8")
        head = "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s" % (method, path + ("?" + query if query else ""), self.headers)
        if content:
            head += "Content-Type: %s\r\n" % content
        if data:
            head += "Content-Length: %d\r\n" % len(data)
        connection = socket.create_connection(("127.0.0.1", int(port)), self.timeout)
        try:
            whole = (head + "\r\n").encode("utf-8") + data
            connection.sendall(whole[:16384])         # as much as is taken without a reader
            os.write(self.answers, b"\n")
            connection.sendall(whole[16384:])
            answer = b""
            while True:
                got = connection.recv(1 << 20)
                if not got:
                    break
                answer = answer or got
        finally:
            connection.close()
        parts = answer.split(b" ", 2)
        return parts[1].decode("latin-1") if len(parts) > 1 and parts[1].isdigit() else "no answer from the server"


class Child(object):
    """A forked child of the master; `with` ends it."""

    def __init__(self, master, requests=()):
        self.master, self.requests = master, requests

    def __enter__(self):
        self.master.order("fork")
        self.pid = self.master.serving = int(self.master.expect("C")[0])
        for text in self.requests:
            self.request(text)
        return self

    def say(self, text):
        self.master.os.write(self.master.child_commands, (text + "\n").encode("utf-8"))

    def request(self, text):
        """-> (status, nanoseconds of CPU time)"""
        self.say("req " + text)
        return tuple(int(x) for x in self.master.expect("D"))

    def run(self, function, argument, timeout=1800):
        import os
        self.say("run %s\t%s\t%s" % (os.path.abspath(__file__), function, argument))
        self.master.expect("D", timeout)

    def __exit__(self, *error):
        self.master.serving = None
        if error[0] in (None, Refusal):
            self.say("exit")
            self.master.order("wait")
            self.master.expect("W")


def capture_load(options, names, kind, headers, facts, scratch, progress, served):
    """The line that tells how the application loads, from three further loadings of it. In two of them the collector runs so often
    that they tell when garbage comes to be, see `LoadTrace.told_by_many_collections`."""
    import os
    told = ""
    if facts["version"] >= (3, 7):
        told = scratch
        for name, collections in (("seldom", LoadTrace.SELDOM), ("often", LoadTrace.OFTEN)):
            progress("loading the application once more, with many collections (%s)" % name)
            load_traced(options, names, kind, headers, facts, os.path.join(told, name), "", collections, served)
            if not os.path.exists(os.path.join(told, name)):
                progress.done()
                sys.stderr.write("preforklab_capture: when garbage is lost while the application loads is not told: the collector's state was not found in memory\n")
                told = ""
                break
    progress("loading the application once more, traced")
    return {"load": load_traced(options, names, kind, headers, facts, os.path.join(scratch, "load"), told, (0, 0, 0), served)}


def load_traced(options, names, kind, headers, facts, path, told, collections, served):
    """`collections`: how often the collector runs, as `LoadTrace` says it; what such a load found goes to the file `path` and is no
    result. Without them it is off, and what loads with collections have `told` is taken into account.

    The collector and the free lists are those of the interpreter where it comes to load: it halts before it reads the stub, whose own
    objects are not the application's. Only `gc` is imported, as by an application that sets thresholds in its first lines."""
    import json
    master = Master(options.python, names, kind, "traced", options.python_path, headers, options.timeout, quiet=True, server=options.server, served=served)
    try:
        master.halted()
        memory = Memory(master.pid)
        collector = Collector(memory, facts["version"], facts["own_thresholds"])
        master.go_on()
        said = [int(x) for x in master.expect("B", 3600)]
        if collector.base is None:
            raise CaptureError("the collector's generations were not found in memory")
        stats = [said[0:3], said[3:6], said[6:9]]
        start = {"counts": collector.counts(), "generations": [len(collector.generation(g)) for g in range(3)],
                 "long_lived": list(collector.long_lived(stats) or (0, 0)), "stats": stats}
        atomic = collector.atomic_tuples()
        addresses = [0, 0, 0]
        if any(collections):
            if collector.long_lived(stats) is None:
                return None
            addresses = collector.switches()
        master.order("\t".join([os_path(__file__), path, str(collector.count0_address()), str(collector.head), ",".join(map(str, addresses + list(collections))), told]))
        master.expect("D", 3600)
        if any(collections):
            return None
        with open(path) as f:
            load = json.load(f)
        start["free_lists"] = [[number, memory.read("<i", length)[0]] for number, length in load.pop("shelves")]
        start["generations"][0] -= atomic[0]
        start["untracked"] = [atomic[1], load.pop("off")[2]]
        return dict(load, at_start=start)
    finally:
        master.close()


def os_path(file):
    import os
    return os.path.abspath(file)


class Requests(object):
    """The sample requests: endpoints in turn, the number of the request filled in where a path says so."""

    def __init__(self, lines):
        import re
        self.endpoints = []                           # (method, path template, weight, content type, body)
        for where, text in lines:
            text = re.sub(r"\{[n0-9+*/% ()-]*\}", lambda m: m.group().replace(" ", ""), text)
            parts = text.split(None, 2)
            if len(parts) < 2 or not parts[0].isalpha() or parts[0] != "CALL" and not parts[1].startswith("/"):
                raise CaptureError("%s: expected METHOD /path [weight=N] [type=T] [body=...], got %r" % (where, text))
            weight, content, body = 1, "", ""
            rest = parts[2] if len(parts) > 2 else ""
            while rest:
                key, eq, value = rest.partition("=")
                if not eq or key not in ("weight", "type", "body"):
                    raise CaptureError("%s: unknown option %r" % (where, rest))
                if key == "body":
                    body, rest = value, ""
                else:
                    value, _, rest = value.partition(" ")
                    rest = rest.strip()
                    if key == "type":
                        content = value
                    elif not value.isdigit() or not 0 < int(value) < 1 << 31:
                        raise CaptureError("%s: weight must be a positive whole number, got %r" % (where, value))
                    else:
                        weight = int(value)
            self.endpoints.append((parts[0].upper(), parts[1], weight, content, body))
            self.fill(len(self.endpoints) - 1, 0, where)

    def fill(self, endpoint, n, where="request"):
        import re
        method, path, weight, content, body = self.endpoints[endpoint]

        def value(m):
            if not re.match(r"^[n0-9+*/% ()-]+$", m.group(1)):
                raise CaptureError("%s: in {...} only n, whole numbers and + - * / %% ( ) may stand, got %r" % (where, m.group(1)))
            try:
                return str(int(eval(m.group(1).replace("/", "//"), {"__builtins__": {}}, {"n": n})))
            except Exception as e:
                raise CaptureError("%s: cannot reckon {%s}: %s" % (where, m.group(1), e))
        path = re.sub(r"\{([^{}]*)\}", value, path)
        body = re.sub(r"\{(n[^{}\"]*)\}", value, body)
        path, _, query = path.partition("?")
        if sys.version_info >= (3,):
            from urllib.parse import unquote
            path = unquote(path)
        return "\t".join((method, path, query, content, body))

    def text(self, n):
        return self.fill(n % len(self.endpoints), n)

    def public(self):
        """The endpoints as the profile names them: numbers and query values left out."""
        import re
        out = []
        for method, path, weight, content, body in self.endpoints:
            path, _, query = re.sub(r"\{[^{}]*\}", "<n>", path).partition("?")
            if query:
                path += "?" + "&".join(q.partition("=")[0] for q in query.split("&"))
            out.append([method, path, weight])
        return out


def capture_heap(master, options, facts, scratch, progress):
    """The heap image as a list of lines; fills in the header's facts."""
    import array
    import json
    import os
    progress("reading the memory of the master")
    version = facts["version"]
    master.stop()
    facts["threads"] = len(os.listdir("/proc/%d/task" % master.pid))
    memory = Memory(master.pid)
    master.go_on()
    pools = Pools(memory, version)
    progress("walking the objects")
    walk = os.path.join(scratch, "walk")
    with master.child() as child:
        child.run("child_walk", walk)
    with open(walk + ".json") as f:
        info = json.load(f)
    with master.child() as child:
        try:
            child.run("child_free_lists", walk + ".lists")
            with open(walk + ".lists") as f:
                lists = [[number, memory.read("<i", address)[0]] for number, address in json.load(f)]
        except Refusal:                               # no ctypes
            lists = []
    words = array.array("L")
    with open(walk, "rb") as f:
        words.fromfile(f, os.path.getsize(walk) // 8)
    types = info["types"]
    collector = Collector(memory, version, facts["thresholds"])
    if collector.base is None:
        raise CaptureError("the collector's generations were not found in memory (thresholds %r)" % (facts["thresholds"],))
    generations = [collector.generation(g) for g in range(3)]
    permanent = collector.objects(collector.permanent()) if collector.permanent() else []
    tracked = set(permanent)
    for g in generations:
        tracked.update(g)
    # of what the child saw, keep what the master holds: the very object at the very address
    at, rows = 0, []
    n = len(words)
    while at < n:
        o, t, size, count = words[at], words[at + 1], words[at + 2], words[at + 3]
        head = memory.read("<qQ", o)
        keep = o in tracked or head is not None and head[0] > 0 and head[1] == types[t][0]
        if keep and o not in tracked:
            keep = pools.block_of(o - preheader_bytes(version, types[t][2])) is not False
        if keep and head is not None and head[1] == types[t][0]:
            rows.append((o, t, size, head[0], at + 4, count))
        at += 4 + count
    rows.sort()
    progress("writing down %d objects" % len(rows))
    rank = dict((r[0], k) for k, r in enumerate(rows))
    type_index, type_rows = {}, []
    shared = set()
    lines, line, previous = [], [], 0
    n_tracked, pages_head, pages_object = 0, set(), set()
    gc_head = collector.head
    for k, (o, t, size, refcount, first, count) in enumerate(rows):
        address, name, flags, basicsize, itemsize, kind = types[t]
        if t not in type_index:
            type_index[t] = len(type_rows)
            type_rows.append([name, 1 if flags & GC_FLAG else 0, basicsize, itemsize, preheader_bytes(version, flags)])
        f = 1 if o in tracked else 2 if flags & GC_FLAG else 0
        if f == 1:
            n_tracked += 1
            pages_head.add((o - gc_head) >> 12)
        pages_object.add(o >> 12)
        refs = [rank[r] - k for r in words[first:first + count] if r in rank]
        row = [(o - previous) >> 3, type_index[t], size - (preheader_bytes(version, flags) if size >= basicsize else 0), f, refcount, refs]
        extra = owned_blocks(memory, pools, version, o, kind, flags, basicsize, shared)
        if extra:
            row.append(extra)
        previous = o
        line.append(row)
        if len(line) == 512:
            lines.append({"objs": line})
            line = []
        if k % 20000 == 0:
            progress("writing down objects: %d of %d" % (k, len(rows)))
    if line:
        lines.append({"objs": line})
    for g, order in enumerate(generations + [permanent]):
        deltas, last = [], 0
        for o in order:
            k = rank.get(o)
            if k is not None:
                deltas.append(k - last)
                last = k
        if g < 3 or deltas:
            lines.append({"gc_list": [g, deltas]})
    head = []
    for lo, hi, perm, path, kind, entries in memory.vmas:
        present = runs(entries)
        lengths, last = [], 0
        for a, b in present:
            lengths += [a - last, b - a]
            last = b
        head.append({"vma": [lo, (hi - lo) // PAGE, kind, os.path.basename(path) if kind in ("lib_data", "file_ro") else "", lengths]})
    for address, total in sorted(pools.arenas):
        head.append({"arena": [address, total]})
    for a in sorted(pools.pools):
        head.append({"pool": [a] + list(pools.pools[a])})
    for szidx in sorted(pools.used):
        head.append({"used": [szidx, pools.used[szidx]]})
    for address, chain, pool_address, nfree in pools.free_pools:
        head.append({"free_pools": [address, chain, pool_address, nfree]})
    if pools.usable:
        head.append({"usable_arenas": pools.usable})
    raw = c_heap(memory)
    if raw:
        head.append(raw)
    stats = info["stats"] or [[0, 0, 0]] * 3
    long_lived = collector.long_lived(stats)
    facts["count0"] = collector.count0_address()
    facts["collector"] = collector.switches() if long_lived else None
    facts["implementation"] = info["implementation"]
    facts["sizes"] = {"gc_head": gc_head, "arena": pools.arena_bytes, "pool": pools.pool_bytes, "page": PAGE, "alignment": pools.align}
    facts["types"] = type_rows
    facts["objects"], facts["tracked"] = len(rows), n_tracked
    facts["gc_list_lengths"] = [len(g) for g in generations]
    facts["pages_gc_heads"], facts["pages_objects"] = len(pages_head), len(pages_object)
    facts["pages_present"] = sum(b - a for v in memory.vmas for a, b in runs(v[5]))
    facts["gc"] = {"enabled": facts["gc_enabled"], "thresholds": list(facts["thresholds"]), "counts": collector.counts(),
                   "long_lived_total": long_lived[0] if long_lived else len(generations[2]),
                   "long_lived_pending": long_lived[1] if long_lived else 0, "long_lived_measured": bool(long_lived),
                   "stats": stats, "freeze_count": len(permanent), "free_lists": lists}
    return head + lines


STEPS = list(range(1, 51)) + list(range(60, 201, 10)) + list(range(250, 1001, 50))


def capture_pages(master, requests, scratch, progress, upto):
    """Which inherited pages a child has copied after so many requests: by frame number where it may be read (root), else by
    the bit for exclusively mapped pages."""
    lines = []
    inherited = page_table(master.pid)
    with master.worker() as child:
        before = page_table(child.pid)
        frames = any(e & ((1 << 55) - 1) for e, kind in before.values())
        mask = (1 << 55) - 1 if frames else 1 << 56
        started = sorted(a for a, (e, kind) in before.items() if a in inherited and not e >> 61 & 1 and (inherited[a][0] & mask != e & mask if frames else e & mask))
        if started:
            lines.append({"touched": [0, started]})
        seen = set() if frames else set(a for a, (e, kind) in before.items() if e >> 56 & 1)
        known = dict((a, e & ((1 << 55) - 1)) for a, (e, kind) in before.items())
        appeared = set()
        # Fork copies no page table entries of read-only file mappings: what is there now the child has touched itself.
        files = sum(1 for e, kind in before.values() if kind == "file_ro")
        if files:
            lines.append({"appeared": [0, "file_ro", files]})
        done, statuses = 0, {}
        for step in STEPS:
            if step > upto:
                break
            progress("copied pages: request %d of %d" % (step, min(upto, STEPS[-1])))
            while done < step:
                status = child.request(requests.text(done))[0]
                statuses[status // 100] = statuses.get(status // 100, 0) + 1
                done += 1
            now = page_table(child.pid)
            touched, new = [], {}
            for a, (e, kind) in now.items():
                if a in known:
                    if a not in seen and not e >> 61 & 1 and (known[a] != e & ((1 << 55) - 1) if frames else e >> 56 & 1):
                        seen.add(a)
                        touched.append(a)
                elif a not in appeared:
                    appeared.add(a)
                    new[kind] = new.get(kind, 0) + 1
            if touched:
                lines.append({"touched": [step, sorted(touched)]})
            for kind in sorted(new):
                lines.append({"appeared": [step, kind, new[kind]]})
    return lines, {"requests": done, "copied": sum(len(l["touched"][1]) for l in lines if l.get("touched", [0])[0]), "by": "frame number" if frames else "exclusive bit", "statuses": statuses}


def capture_needs(master, requests, touched, progress, upto):
    """Which inherited pages each request copies in a child that has served nothing else: which worker takes which request
    decides what it copies, and a child that serves them all in turn shows a page at the first request only."""
    import array
    count = len(requests.endpoints)
    if upto <= count:
        return []
    alone = []
    for n in range(upto):
        progress("copied pages: request %d of %d by itself" % (n + 1, upto))
        with master.worker() as child:
            before = page_table(child.pid)
            child.request(requests.text(n))
            now = page_table(child.pid)
        frames = any(e & ((1 << 55) - 1) for e, kind in before.values())
        mask = (1 << 55) - 1 if frames else 1 << 56
        # bit 61: still the file's page, of which the kernel may drop one and read another
        alone.append(array.array("Q" if sys.version_info >= (3,) else "L", sorted(a for a, (e, kind) in now.items() if a in before and not e >> 61 & 1 and before[a][0] & mask != e & mask)))
    first_round = [a for line in touched if "touched" in line and line["touched"][0] <= count for a in line["touched"][1]]
    return copies_of(alone, first_round, count) + needs_of(alone, set(first_round), count)


def always_copied(alone, endpoint, count):
    """The pages that all requests of an endpoint copy."""
    pages = set(alone[endpoint])
    for one in alone[endpoint + count::count]:
        pages.intersection_update(one)
    return pages


def copies_of(alone, first_round, count):
    """For each endpoint, which pages of the first round all its requests copy: how many do not, how many do, and so on, in the
    order of `touched`. A worker copies them at its first request of one of these endpoints."""
    lines = []
    for endpoint in range(count):
        pages, counts, copied = always_copied(alone, endpoint, count), [0], False
        for a in first_round:
            if (a in pages) != copied:
                copied = not copied
                counts.append(0)
            counts[-1] += 1
        lines.append({"copies": [endpoint, counts]})
    return lines


def needs_of(alone, first_round, count):
    """What each request needs beyond what all of some endpoint do: those pages any worker copies sooner or later, and `touched`
    has them. The first round's own data (the rows that just these requests read) is nothing that a worker needs which
    serves others."""
    always = set()
    for endpoint in range(count):
        always |= always_copied(alone, endpoint, count)
    common = (first_round - set(a for one in alone for a in one)) | (first_round & always)
    lines = [{"needs": [n + 1, [a for a in one if a not in common]]} for n, one in enumerate(alone)]
    return [line for line in lines if line["needs"][1]]


def page_table(pid):
    """Page number -> (page table entry, kind), of present pages."""
    out = {}
    with open("/proc/%d/maps" % pid) as f:
        maps = f.read().splitlines()
    with open("/proc/%d/pagemap" % pid, "rb", 0) as pagemap:
        for l in maps:
            p = l.split(None, 5)
            lo, hi = (int(x, 16) for x in p[0].split("-"))
            kind = vma_kind(p[1], p[5].strip() if len(p) > 5 else "")
            if kind and hi <= 1 << 47:
                first = lo // PAGE
                for i, e in enumerate(page_entries(pagemap, lo, hi)):
                    if e >> 63:
                        out[first + i] = (e, kind)
    return out


def capture_cpu(master, requests, progress):
    """[{"cold": ns, "first": ns, "warm": [ns, ...]}, ...] by endpoint, without the allocator hook, collector off; warm ones ascending."""
    count = len(requests.endpoints)
    cold, first, warm = [], [[] for _ in range(count)], [[] for _ in range(count)]
    for e in range(count):
        progress("CPU time: first request of endpoint %d of %d" % (e + 1, count))
        best = []
        for _ in range(3):
            with master.worker() as child:
                best.append(child.request(requests.text(e))[1])
        cold.append(sorted(best)[1])
    for attempt in range(3):
        for start in range(min(2, count)):            # endpoint 0 is the last of those that begin with 1
            progress("CPU time: first requests in turn, attempt %d of 3" % (attempt + 1))
            with master.worker() as child:
                took = [child.request(requests.text(n))[1] for n in range(start, start + count)]
            for n in range(1, count) if start == 0 else [count]:
                first[n % count].append(took[n - start])
    with master.worker() as child:
        for n in range(count * 13):
            progress("CPU time: warm request %d of %d" % (n, count * 13))
            ns = child.request(requests.text(n))[1]
            if n >= count * 3:
                warm[n % count].append(ns)
    return [{"cold": cold[e], "first": sorted(first[e])[1] if first[e] else 0, "warm": sorted(warm[e])} for e in range(count)]


FILLING = 3                                           # rounds of requests after which the interpreter's free lists are as long as they get


def fading_rounds(live, count, early, samples):
    """Rounds of `count` requests until an application keeps no more of a request than it does in the end, if it keeps more
    before, as it does while a cache fills up: what a request puts there lives about as long. Else 0. `live[n]` are the live
    objects after n requests. What is kept of a request in `samples` rounds from `early` on and in the last quarter of all
    rounds are the two rates; the moment between is the one at which they together make what was counted. A fiftieth more is
    no difference."""
    rounds = (len(live) - 1) // count
    last = rounds - rounds // 4
    if not early + samples <= last < rounds:
        return 0
    first, then = live[(early + samples) * count], live[rounds * count]
    before = (first - live[early * count]) / float(samples * count)
    after = (then - live[last * count]) / float((rounds - last) * count)
    if (before - after) * 50 <= abs(before):
        return 0
    moment = early + samples + (then - first - after * (rounds - early - samples) * count) / (before - after) / count
    return 2 + int(min(max(moment, 0), last))


def gathering_rounds(live, count):
    """Rounds of `count` requests until many objects go at once for the first time, the most there are from one time to the next, and how many
    go; None if this does not happen again and again. `live[n]` are the live objects after n requests; many are GATHERED_LEAST fewer than
    a request of this endpoint usually leaves."""
    grown = [b - a for a, b in zip(live, live[1:])]
    usual = [sorted(grown[count + e::count])[len(grown[count + e::count]) // 2] for e in range(count)] if len(grown) > 2 * count else []
    at = [n for n in range(count, len(grown)) if usual and usual[n % count] - grown[n] >= GATHERED_LEAST]
    if len(at) < 2:
        return None
    first, between = at[0] // count + 2, max(b - a for a, b in zip(at, at[1:])) // count + 2
    return (first, between, usual[at[-1] % count] - grown[at[-1]]) if max(first, between) * count <= GATHERING_MOST else None


GATHERING_MOST = 600                                  # requests: what takes longer is not worth a window of such a length


def free_list_lengths(master, scratch):
    """Number of a free list -> address of its length; see `find_free_lists`."""
    import json
    import os
    path = os.path.join(scratch, "lists")
    with master.child() as child:
        child.run("child_free_lists", path)
    with open(path) as f:
        return dict(json.load(f))


class LiveObjects(object):
    """How many collectable objects live in a child without the hook, from any zero, the collector being off: its counter less what waits on
    the free lists, where these are found."""

    def __init__(self, master, count0, lists):
        self.master, self.count0, self.lists = master, count0, lists

    def after(self, texts):
        """Their number in a fresh worker, before its first request and after each of these."""
        import struct
        with self.master.worker() as child:
            with open("/proc/%d/mem" % child.pid, "rb", 0) as memory:
                def word(address):
                    memory.seek(address)
                    return struct.unpack("<i", memory.read(4))[0]
                for text in [None] + texts:
                    if text:
                        child.request(text)
                    yield word(self.count0) - sum(map(word, self.lists))

    def kept(self, texts):
        """What the last of these requests keeps."""
        before = last = 0
        for live in self.after(texts):
            before, last = last, live
        return last - before


def capture_growth(live_objects, requests, progress, upto):
    """The live collectable objects after each of so many requests of a worker."""
    live = []
    for n, objects in enumerate(live_objects.after([requests.text(n) for n in range(upto)])):
        progress("counting live objects: request %d of %d" % (n, upto))
        live.append(objects)
    return live


SHARED_LEAST = 32                                     # objects; fewer are not worth a record of their own
SHARING_MOST = 3000                                   # requests to find out who shares with whom


def capture_sharing(live_objects, requests, progress):
    """{endpoint: [(another, objects)]}: what whichever of the two is served first makes, and keeps for both, and no third endpoint makes."""
    count, out = len(requests.endpoints), {}
    texts = [requests.text(e) for e in range(count)]
    forward, backward = ([b - a for a, b in zip(live, live[1:])] for live in (list(live_objects.after(texts)), list(live_objects.after(texts[::-1]))))
    # the first one of either keeps what all have in common
    sharing = [e for e in range(1, count - 1) if abs(forward[e] - backward[count - 1 - e]) >= SHARED_LEAST]
    if len(sharing) * count * count > SHARING_MOST:
        return out
    for at, e in enumerate(sharing):
        progress("who shares with endpoint %d: %d of %d" % (e + 1, at + 1, len(sharing)))
        others = [k for k in range(count) if k != e]
        usual = live_objects.kept([texts[k] for k in others + [e]])
        more = [(other, live_objects.kept([texts[k] for k in others + [e] if k != other]) - usual) for other in others]
        out[e] = [(other, objects) for other, objects in more if objects >= SHARED_LEAST]
    return dict((e, shares) for e, shares in out.items() if shares)


def capture_traces(master, requests, facts, scratch, progress, warm_rounds, samples, tail, upto):
    """The request records; without traces (another machine, no allocator interface) only counts."""
    import json
    import os
    count = len(requests.endpoints)
    cpu = capture_cpu(master, requests, progress)
    out, dropped = [], {}
    live_objects = LiveObjects(master, facts["count0"], list(free_list_lengths(master, scratch).values()) if facts["version"] >= (3, 10) else [])
    live = capture_growth(live_objects, requests, progress, upto // count * count)
    gathering = gathering_rounds(live, count)
    fresh = gathering[0] if gathering else 0          # rounds that a fresh process needs to drop something

    def plan(name, before, window, skip, keep):
        path = os.path.join(scratch, name)
        alone = name != "start" and not before        # in the first requests of a process objects of the master's end
        content = {"before": before if name == "start" or alone else master.starts + before, "starts": master.starts if alone else [], "window": window, "skip": skip, "keep": keep, "gathers": bool(gathering), "count0": facts["count0"], "gc_head": facts["sizes"]["gc_head"]}
        if facts["collector"]:
            with open(path + ".often", "w") as f:
                json.dump(dict(content, collector=facts["collector"]), f)
            with master.child() as child:
                child.run("child_collect", path + ".often")
            content["often"] = path + ".often.out"
        with open(path, "w") as f:
            json.dump(content, f)
        with master.child() as child:
            child.run("child_trace", path)
        with open(path + ".out") as f:
            result = json.load(f)
        os.unlink(path + ".out")
        dropped[name] = result["requests"][0]["drops"]
        return result["requests"]

    def record(endpoint, state, r, ns, kind="request"):
        out.append({kind: dict(r, endpoint=endpoint, state=state, cpu_ns=ns)})
    if master.starts:
        progress("tracing a worker's start")
        with master.child() as child:
            ns = child.request(START)[1]
        out.append({"start": dict(plan("start", [], master.starts + [requests.text(k) for k in range(2 * count)], 0, 1)[0], cpu_ns=ns)})
    for e in range(count):
        progress("tracing the first request of endpoint %d of %d" % (e + 1, count))
        window = [requests.text(e)] + [requests.text(count + k) for k in range(max(2, fresh) * count)]
        record(e, "cold", plan("cold%d" % e, [], window, 0, 1)[0], cpu[e]["cold"])
    # the first request of an endpoint in a process that has served others: what they have in common is there already
    rounds = [requests.text(k) for k in range(max(3, fresh) * count)]
    if count > 1:
        progress("tracing the first requests of all endpoints in turn")
        for k, r in enumerate(plan("first", [], rounds, 1, count - 1)):
            record(k + 1, "first", dict(r, after=list(range(k + 1))), cpu[k + 1]["first"], "first_request")
        record(0, "first", dict(plan("last", [], rounds[1:], count - 1, 1)[0], after=list(range(1, count))), cpu[0]["first"], "first_request")
        sharing = capture_sharing(live_objects, requests, progress)
        if sharing:
            # what the first of two keeps for both is in this record of one of them, and in the record above of the other
            for e, r in zip(range(count - 2, -1, -1), plan("backward", [], rounds[:count][::-1] + rounds[count:], 1, count - 1)):
                if e in sharing:
                    record(e, "first", dict(r, after=list(range(e + 1, count)), shares=[n for share in sharing[e] for n in share]), cpu[e]["first"], "first_request")
    progress("tracing warm requests")
    before = [requests.text(n) for n in range(warm_rounds * count)]
    at = len(before)
    tail = max(tail, fading_rounds(live, count, warm_rounds + FILLING, samples), gathering[1] if gathering else 0)
    # the collection before the window empties the interpreter's free lists: some rounds fill them again
    window = [requests.text(at + k) for k in range((FILLING + samples + tail) * count)]
    for k, r in enumerate(plan("warm", before, window, FILLING * count, samples * count)):
        # each sample of an endpoint takes as long as one part of its requests: with two, the first and third quartile
        took = cpu[k % count]["warm"]
        record(k % count, "warm", r, took[(2 * (k // count) + 1) * len(took) // (2 * samples)])
    out.sort(key=lambda l: ["start" not in l, "first_request" in l] + [(r.get("endpoint"), r.get("state")) for r in l.values()])
    if gathering:
        # of what goes first some is the master's: so many were waiting in it
        out.insert(0, {"gathers": {"limit": gathering[2], "waiting": (dropped.get("first") or dropped["cold0"] or [(0, 0, 0)])[0][2]}})
    return out


def capture_counts(master, requests, scratch, progress, warm_rounds):
    """Request records without events: CPU time and the interpreter's own counts."""
    import json
    import os
    cpu, out, count = capture_cpu(master, requests, progress), [], len(requests.endpoints)
    for e in range(count):
        for state, before in (("cold", []), ("warm", [requests.text(n) for n in range(warm_rounds * count)])):
            path = os.path.join(scratch, "counts")
            with open(path, "w") as f:
                json.dump({"before": master.starts + before, "request": requests.text(len(before) + e)}, f)
            with master.child() as child:
                child.run("child_counts", path)
            with open(path + ".out") as f:
                counts = dict(zip(("count0", "garbage", "blocks", "blocks_after_collect"), json.load(f)))
            ns = cpu[e]["cold"] if state == "cold" else cpu[e]["warm"][len(cpu[e]["warm"]) // 2]
            out.append({"request": {"endpoint": e, "state": state, "cpu_ns": ns, "events": [], "garbage": [], "carried": [], "counts": counts}})
    return out


def trace_obstacle(master, facts):
    """Why requests cannot be traced here, or None."""
    import os
    if os.uname()[4] not in ("x86_64", "amd64"):
        return "the allocator hook is machine code for x86-64, this is %s" % os.uname()[4]
    if facts["version"] < (3, 5):
        return "Python %s has no interface to its allocators" % facts["python"]
    try:
        with master.child() as child:
            child.run("child_probe", "")
    except Refusal as e:
        return str(e)
    return None


REQUEST_KEYS = ("endpoint", "state", "after", "shares", "cpu_ns", "net", "events", "garbage", "lost", "carried", "gathered", "free_listed", "free_list_changes", "resized", "shelved", "direct", "unlisted", "tracked", "atomic", "filled", "older", "counts")


def write_profile(path, header, lines, progress):
    """gzip of JSON lines, complete or not at all."""
    import collections
    import json
    import os
    import tempfile
    import zlib
    directory = os.path.dirname(os.path.abspath(path))
    fd, temporary = tempfile.mkstemp(prefix=".preforklab-", dir=directory)
    try:
        with os.fdopen(fd, "wb") as raw:
            # gzip's wrapper; the rest is what makes such numbers 2 % smaller than the defaults do
            packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS, 6, zlib.Z_FILTERED)
            for k, l in enumerate([header] + lines + [{"end": {"lines": len(lines) + 2}}]):
                for kind in set(l) & set(["touched", "needs"]):
                    request, pages = l[kind]
                    l = {kind: [request, pages[0], [b - a for a, b in zip(pages, pages[1:])]]}
                for kind in set(l) & set(["request", "first_request", "start"]):
                    # a reader needs the events before what it is told of their blocks
                    l = {kind: collections.OrderedDict((key, l[kind][key]) for key in REQUEST_KEYS if key in l[kind])}
                raw.write(packer.compress((json.dumps(l, separators=(",", ":")) + "\n").encode("ascii")))
                if k % 1000 == 0:
                    progress("compressing: %d of %d lines" % (k, len(lines)))
            raw.write(packer.flush())
        os.chmod(temporary, 0o644)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def capture(options, progress):
    import datetime
    import os
    import platform
    import shutil
    import tempfile
    lines = []
    if options.requests:
        try:
            with open(options.requests) as f:
                text = f.read().splitlines()
        except (IOError, OSError, UnicodeDecodeError) as e:
            raise CaptureError("%s: %s" % (options.requests, getattr(e, "strerror", None) or "not a text file"))
        lines += [("%s:%d" % (options.requests, k + 1), l.strip()) for k, l in enumerate(text) if l.strip() and not l.strip().startswith("#")]
    lines += [("--get", "GET " + p) for p in options.get]
    lines += [("--call", "CALL " + c) for c in options.call]
    if not lines:
        raise CaptureError("no requests: give --requests FILE, --get PATH or --call MODULE:FUNCTION")
    requests = Requests(lines)
    served = options.app if options.server == "gunicorn" else ""
    if options.server and not options.app:
        raise CaptureError("--server %s needs --app MODULE:CALLABLE" % options.server)
    names = [options.app] if options.app else []
    before = getattr(options, "import")
    names += [path for method, path, _, _, _ in requests.endpoints if method == "CALL"]
    if not options.app and len(names) < len(requests.endpoints):
        raise CaptureError("requests by path need --app MODULE:CALLABLE")
    for name in names:
        if ":" not in name or " " in name:
            raise CaptureError("%r is not MODULE:CALLABLE" % name)
    for name in before:
        if ":" in name or " " in name:
            raise CaptureError("--import %r: expected a module" % name)
    names = before + names[1 if served else 0:]
    output = options.output
    directory = os.path.dirname(os.path.abspath(output))
    if not os.path.isdir(directory) or not os.access(directory, os.W_OK):
        raise CaptureError("%s: cannot write there" % directory)
    headers = []
    for h in options.header:
        name, colon, value = h.partition(":")
        if not colon:
            raise CaptureError("--header %r: expected Name: value" % h)
        headers.append("HTTP_%s=%s" % (name.strip().upper().replace("-", "_"), value.strip()))
    if not os.path.exists("/proc/self/pagemap"):
        raise CaptureError("needs Linux with /proc/self/pagemap")
    scratch = tempfile.mkdtemp(prefix="preforklab-")
    master = None
    try:
        progress("loading the application")
        master = Master(options.python, names, "wsgi" if options.app else "call", options.threshold or options.gc, options.python_path, headers, options.timeout, server=options.server, served=served)
        loaded = master.expect("L", 3600)
        version = int(loaded[1])
        facts = {"version": (version >> 24, version >> 16 & 255), "python": loaded[2], "thresholds": [int(x) for x in loaded[4:7]], "own_thresholds": [int(x) for x in loaded[7:10]], "gc_enabled": loaded[3] == "1"}
        image = capture_heap(master, options, facts, scratch, progress)
        obstacle = trace_obstacle(master, facts)
        load = []
        if not obstacle and not options.requests_from:
            try:
                load.append(capture_load(options, names, "wsgi" if options.app else "call", headers, facts, scratch, progress, served))
            except CaptureError as e:
                progress.done()
                sys.stderr.write("preforklab_capture: loading not traced: %s; the lab takes other thresholds to act after loading only\n" % e)
        if options.requests_from:
            traces = []
        elif obstacle:
            sys.stderr.write("preforklab_capture: requests not traced: %s; the profile holds CPU times and counts\n" % obstacle)
            traces = capture_counts(master, requests, scratch, progress, options.warm_rounds)
        else:
            traces = capture_traces(master, requests, facts, scratch, progress, options.warm_rounds, options.samples, options.tail, options.page_requests)
        touched, pages = capture_pages(master, requests, scratch, progress, options.page_requests)
        touched += capture_needs(master, requests, touched, progress, options.page_requests)
        app = {"target": options.app or "functions", "gc_at_load": options.gc, "hash_seed": os.environ.get("PYTHONHASHSEED", "random"), "loaded": "by %s, before the first fork, %s" % (("gunicorn's arbiter", "served by its sync worker") if served else ("uWSGI's interpreter", "called in a child of it") if options.server else ("module path", "after " + ", ".join(before) if before else "no server around it")),
               "note": options.note or "", "threads": facts["threads"], "copied_pages": pages, "traced": not obstacle and not options.requests_from,
               "pages": {"present": facts["pages_present"], "gc_heads": facts["pages_gc_heads"], "objects": facts["pages_objects"]}}
        header = {"prefork_profile": 1, "name": options.name or os.path.basename(output).split(".")[0], "python": facts["python"], "implementation": facts["implementation"],
                  "platform": "%s %s, %s" % (platform.system(), platform.release(), platform.machine()), "captured": datetime.date.today().isoformat(), "app": app,
                  "gc": facts["gc"], "sizes": facts["sizes"], "modules": int(loaded[0]), "objects": facts["objects"], "tracked": facts["tracked"], "types": facts["types"],
                  "endpoints": [[m, p, w] for m, p, w in requests.public()]}
        if options.requests_from:
            header["requests_from"] = options.requests_from
        write_profile(output, header, image + load + traces + touched, progress)
        progress.done()
        failed = pages["statuses"].get(5, 0)
        if failed:
            sys.stderr.write("preforklab_capture: warning: %d of %d requests were answered with a server error\n" % (failed, pages["requests"]))
        sys.stderr.write("%s: %d objects (%d tracked) on %d pages, %d requests recorded, %d pages copied by %d requests, %.2f MB\n"
                         % (output, facts["objects"], facts["tracked"], facts["pages_present"], sum("request" in l or "first_request" in l for l in traces), pages["copied"], pages["requests"], os.path.getsize(output) / 1e6))
    finally:
        progress.done()
        if master:
            master.close()
        shutil.rmtree(scratch, True)


def arguments():
    import argparse
    p = argparse.ArgumentParser(description="Takes a profile of a Python application just before it forks, for Prefork Lab.", epilog="See docs/CAPTURE.md.")
    p.error = lambda message: p.exit(2, "%s: %s; --help lists the options\n" % (p.prog, message))
    p.add_argument("--app", metavar="MODULE:CALLABLE", help="the WSGI application, as gunicorn names it")
    p.add_argument("--get", action="append", default=[], metavar="PATH", help="a sample request; {n} stands for the request's number, arithmetic is possible: /item/{n*37 %% 500}/ (repeatable)")
    p.add_argument("--requests", metavar="FILE", help="sample requests, one a line: METHOD PATH [weight=N] [type=CONTENT-TYPE] [body=...]")
    p.add_argument("--call", action="append", default=[], metavar="MODULE:FUNCTION", help="a function without arguments instead of a request, such as a task (repeatable)")
    p.add_argument("--header", action="append", default=[], metavar="NAME:VALUE", help="a header of every request (repeatable; not written into the profile)")
    p.add_argument("--import", action="append", default=[], metavar="MODULE", help="loaded before the application and its server, as what starts these is: celery.worker, importlib.metadata for Debian's gunicorn (repeatable)")
    p.add_argument("--server", choices=("gunicorn", "uwsgi"), default="", help="gunicorn: its arbiter loads the application and its sync worker serves the requests, as sent through a socket; uwsgi: its interpreter loads the application, which is then called (default: a bare interpreter loads and calls it)")
    p.add_argument("--python-path", action="append", default=[], metavar="DIR", help="put before the module search path (repeatable)")
    p.add_argument("--python", metavar="FILE", help="the application's interpreter (default: the one that runs this script); with --server uwsgi the uWSGI program (default: uwsgi)")
    p.add_argument("--gc", choices=("enabled", "disabled"), default="enabled", help="the collector while the application loads")
    p.add_argument("--threshold", metavar="A,B,C", help="the collector's thresholds while the application loads, as gc.set_threshold() takes them (default: the release's)")
    p.add_argument("--name", help="the profile's name (default: from the file's name)")
    p.add_argument("--note", help="a remark to keep in the header")
    p.add_argument("--warm-rounds", type=int, default=3, metavar="K", help="rounds of all requests before the warm ones are measured (default 3)")
    p.add_argument("--samples", type=int, default=2, metavar="K", help="warm samples of each request (default 2)")
    p.add_argument("--tail", type=int, default=8, metavar="K", help="further rounds watched for blocks that die late (default 8)")
    p.add_argument("--page-requests", type=int, default=1000, metavar="N", help="requests served while counting copied pages (default 1000)")
    p.add_argument("--requests-from", metavar="NAME", help="leave the request traces out and name the profile that has them")
    p.add_argument("--timeout", type=int, default=120, metavar="S", help="seconds that one request may take (default 120)")
    p.add_argument("-o", "--output", required=True, metavar="FILE")
    options = p.parse_args()
    options.python = options.python or ("uwsgi" if options.server == "uwsgi" else sys.executable)
    for name, least in (("warm_rounds", 0), ("samples", 1), ("tail", 0), ("page_requests", 0), ("timeout", 1)):
        if not least <= getattr(options, name) <= 1000000:
            p.error("--%s must be at least %d" % (name.replace("_", "-"), least))
    if options.threshold is not None:
        import re
        if not re.match(r"\d{1,9},\d{1,9},\d{1,9}$", options.threshold):
            p.error("--threshold %r: expected three whole numbers A,B,C" % options.threshold)
        if options.gc == "disabled":
            p.error("--threshold and --gc disabled: one of them")
    return options


def main():
    options = arguments()
    try:
        capture(options, Progress())
    except CaptureError as e:
        sys.stderr.write("preforklab_capture: %s\n" % e)
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("preforklab_capture: interrupted\n")
        return 130
    except (OSError, IOError) as e:
        sys.stderr.write("preforklab_capture: %s\n" % e)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
