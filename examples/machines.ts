// List the machines with their age and the reason, then force one of them fresh. See README.md in this folder.

interface Freshness {
  state: "FRESH" | "STALE" | "UNCONFIRMED";
  ageSeconds: number | null;
  reason: string | null;
}

interface Machine {
  resourceId: string;
  name: string | null;
  status: string;
  freshness: Freshness;
}

interface Machines {
  resources: {
    nodes: Machine[];
    coverage: { complete: boolean; gaps: { account: { name: string }; reason: string }[] };
  };
}

interface GraphQLResponse<Data> {
  data: Data | null;
  errors?: { message: string; extensions: { code: string } }[];
}

const MACHINES = `
  query Machines($maxAge: Int!) {
    resources(
      filter: {resourceType: [VM, CONTAINER, BARE_METAL, CLUSTER]}
      orderBy: {field: NAME, direction: ASC}
      first: 100
      freshness: {maxAgeSeconds: $maxAge}
    ) {
      nodes { resourceId name status freshness { state ageSeconds reason } }
      coverage { complete gaps { account { name } reason } }
    }
  }
`;

const ONE_MACHINE_NOW = `
  query OneMachineNow($id: UUID!) {
    resource(resourceId: $id, freshness: {forceRefresh: true}) {
      resourceId
      name
      status
      freshness { state ageSeconds reason }
    }
  }
`;

const url = process.env.SUPPLYGRAPH_URL ?? "http://127.0.0.1:8000";
const token = process.env.SUPPLYGRAPH_TOKEN;
if (!token) throw new Error("Set SUPPLYGRAPH_TOKEN to a token of the gateway.");

async function execute<Data>(query: string, variables: Record<string, unknown>): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
    // The gateway waits for a cloud for at most 10 seconds unless it is configured otherwise.
    signal: AbortSignal.timeout(15_000),
  });
  const { data, errors } = (await response.json()) as GraphQLResponse<Data>;
  if (errors || !data) throw new Error(errors?.map((error) => `${error.extensions.code}: ${error.message}`).join("\n"));
  return data;
}

function describe({ name, status, freshness }: Machine): string {
  const age = freshness.ageSeconds === null ? "never seen" : `${Math.round(freshness.ageSeconds)} s old`;
  const reason = freshness.reason ? ` (${freshness.reason})` : "";
  return `${(name ?? "").padEnd(16)} ${status.padEnd(12)} ${freshness.state}${reason}, ${age}`;
}

const { resources } = await execute<Machines>(MACHINES, { maxAge: Number(process.argv[2] ?? 30) });
for (const machine of resources.nodes) console.log(describe(machine));
for (const gap of resources.coverage.gaps) {
  console.log(`The list may be incomplete: ${gap.account.name}, ${gap.reason}`);
}
if (resources.nodes.length > 0) {
  const { resource } = await execute<{ resource: Machine }>(ONE_MACHINE_NOW, { id: resources.nodes[0].resourceId });
  console.log("Now:", describe(resource));
}
