import "./style-nonce.js";
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./page.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQL } from "graphiql";
import { useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { examples } from "./examples.js";
import { FreshnessLine } from "./freshness-line.jsx";
import { fetcherFor } from "./gateway.js";
import { TokenBar, useToken } from "./token-bar.jsx";

const EXPLORER = explorerPlugin({ showAttribution: false });
const PLUGINS = [EXPLORER, HISTORY_PLUGIN];
// A third of the window, GraphiQL's own choice, leaves the editor too narrow for the examples' lines.
const WIDTH_KEY = "graphiql:docExplorerFlex";
if (localStorage.getItem(WIDTH_KEY) === null) localStorage.setItem(WIDTH_KEY, "0.25");

function Page({ graphql, docs }) {
  const { token } = useToken();
  const [freshness, setFreshness] = useState(null);
  const fetcher = useMemo(
    () => fetcherFor(graphql, token, (answer) => setFreshness(answer.extensions?.freshness ?? null)),
    [graphql, token],
  );

  return (
    <>
      <TokenBar links={[{ href: docs, text: "REST documentation" }]}>
        <FreshnessLine freshness={freshness} />
      </TokenBar>
      <main>
        {token ? (
          <GraphiQL
            fetcher={fetcher}
            defaultTabs={examples}
            plugins={PLUGINS}
            visiblePlugin={EXPLORER}
            isHeadersEditorEnabled={false}
            shouldPersistHeaders={false}
            showPersistHeadersSettings={false}
            schemaDescription
            inputValueDeprecation
          >
            <GraphiQL.Logo>
              <span />
            </GraphiQL.Logo>
          </GraphiQL>
        ) : (
          <p className="empty">Enter an access token to explore the graph.</p>
        )}
      </main>
    </>
  );
}

const root = document.getElementById("page");
createRoot(root).render(<Page graphql={root.dataset.graphql} docs={root.dataset.docs} />);
