// Runs the ssh backend and file bridge of an installed OpenClaw against a command that stands in
// for ssh, and prints what came of each step. Arguments: the command, the remote directory, and
// the local workspace.
import { spawn } from "node:child_process";
import { createRemoteShellSandboxBackend, createSshSandboxSessionFromSettings, runSshSandboxCommand,
  uploadDirectoryToSshTarget, prepareSshSandboxExec, disposeSshSandboxSession, sanitizeEnvVars } from "openclaw/plugin-sdk/sandbox";
const [command, workspaceRoot, local] = process.argv.slice(2);
const settings = { command, target: "sandbox@localhost:22", strictHostKeyChecking: true, updateHostKeys: true };
const cfg = { backend: "ssh", workspaceAccess: "rw", docker: { env: {}, binds: [] }, ssh: { ...settings, workspaceRoot } };
const createSession = async () => {
  const session = await createSshSandboxSessionFromSettings(settings);
  return {
    runCommand: (c) => runSshSandboxCommand({ ...c, session }),
    uploadDirectory: (u) => uploadDirectoryToSshTarget({ ...u, session }),
    prepareExec: async (e) => ({ ...await prepareSshSandboxExec({ ...e, session }), env: sanitizeEnvVars(process.env).allowed }),
    dispose: () => disposeSshSandboxSession(session),
  };
};
const params = { cfg, scopeKey: "agent:main", workspaceDir: local, agentWorkspaceDir: local };
const backend = await createRemoteShellSandboxBackend(params, { backendId: "ssh", configLabel: "x", configLabelKind: "Target", createSession });
const said = {};
const exec = async (line, env = {}, workdir) => {
  const spec = await backend.buildExecSpec({ command: line, env, workdir, usePty: false });
  const out = await new Promise((done) => {
    const child = spawn(spec.argv[0], spec.argv.slice(1), { env: spec.env, stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "", stderr = "";
    child.stdout.on("data", (d) => stdout += d); child.stderr.on("data", (d) => stderr += d);
    child.stdin.end();
    child.on("close", (code) => done({ code, stdout, stderr }));
  });
  await backend.finalizeExec({ status: "completed", exitCode: out.code, timedOut: false, token: spec.finalizeToken });
  return out;
};
said.plain = await exec("cat notes.txt; pwd; echo \"$GREETING\"; exit 3", { GREETING: "it's \"me\"" });
said.outside = await exec("cat /etc/shadow");
said.workdir = await backend.validateWorkdir(backend.workdir);
const bridge = backend.createFsBridge({ sandbox: { workspaceDir: local, agentWorkspaceDir: local, workspaceAccess: "rw" } });
const attempt = async (f) => { try { return await f(); } catch (e) { return { error: String(e.message ?? e) }; } };
said.read = String(await attempt(() => bridge.readFile({ filePath: "notes.txt" })));
said.write = await attempt(() => bridge.writeFile({ filePath: "sub/new file.txt", data: "it's new\n", mkdir: true }));
said.reread = String(await attempt(() => bridge.readFile({ filePath: "sub/new file.txt" })));
said.stat = await attempt(() => bridge.stat({ filePath: "notes.txt" }));
said.gone = await attempt(() => bridge.stat({ filePath: "no-such-file" }));
said.mkdir = await attempt(() => bridge.mkdirp({ filePath: "a/b" }));
said.rename = await attempt(() => bridge.rename({ from: "sub/new file.txt", to: "a/b/moved.txt" }));
said.moved = String(await attempt(() => bridge.readFile({ filePath: "a/b/moved.txt" })));
said.remove = await attempt(() => bridge.remove({ filePath: "a", recursive: true }));
said.removed = await attempt(() => bridge.stat({ filePath: "a" }));
said.root = backend.workdir;
console.log(JSON.stringify(said));
process.exit(0);
