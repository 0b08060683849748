// h1 = sigmoid(w1*i1 + w2*i2 + b1)
// h2 = sigmoid(w3*i1 + w4*i2 + b1)
// o1 = sigmoid(w5*h1 + w6*h2 + b2)
// o2 = sigmoid(w7*h1 + w8*h2 + b2)
// E1 = (t1 - o1)^2/2
// E2 = (t2 - o2)^2/2
// E = E1 + E2
//
// E and its gradient by reverse mode (backpropagation), written by backprop.
// Run it with node to compare its numbers with those of backprop grad at the point asked for.

// logistic sigmoid, 1/(1 + exp(-x))
function sigmoid(x) {
  if (x >= 0) return 1/(1 + Math.exp(-x));
  return Math.exp(x)/(1 + Math.exp(x));
}

// Returns the value E, and its gradient: dE/dw1, dE/di1, dE/dw2, dE/di2, dE/db1, dE/dw3, dE/dw4,
// dE/dw5, dE/dw6, dE/db2, dE/dw7, dE/dw8, dE/dt1, dE/dt2.
function E_and_gradient(w1, i1, w2, i2, b1, w3, w4, w5, w6, b2, w7, w8, t1, t2) {
  // Forward: the value of each node.
  const v1 = w1*i1;
  const v2 = w2*i2;
  const v3 = v1 + v2;
  const v4 = v3 + b1;
  const h1 = sigmoid(v4);
  const v5 = w3*i1;
  const v6 = w4*i2;
  const v7 = v5 + v6;
  const v8 = v7 + b1;
  const h2 = sigmoid(v8);
  const v9 = w5*h1;
  const v10 = w6*h2;
  const v11 = v9 + v10;
  const v12 = v11 + b2;
  const o1 = sigmoid(v12);
  const v13 = w7*h1;
  const v14 = w8*h2;
  const v15 = v13 + v14;
  const v16 = v15 + b2;
  const o2 = sigmoid(v16);
  const v17 = t1 - o1;
  const v18 = v17*v17;
  const E1 = v18/2;
  const v19 = t2 - o2;
  const v20 = v19*v19;
  const E2 = v20/2;
  const E = E1 + E2;

  // Backward: upstream * local slope, added up where paths meet.
  const d_E = 1;                                    // dE/dE = 1
  const d_E1 = d_E;                                 // dE/dE1 = dE/dE * dE/dE1
  const d_E2 = d_E;                                 // dE/dE2 = dE/dE * dE/dE2
  const d_v20 = d_E2*0.5;                           // dE/dv20 = dE/dE2 * dE2/dv20
  const d_v19 = d_v20*(2*v19);                      // dE/dv19 = dE/dv20 * dv20/dv19
  const d_t2 = d_v19;                               // dE/dt2 = dE/dv19 * dv19/dt2
  const d_o2 = -d_v19;                              // dE/do2 = dE/dv19 * dv19/do2
  const d_v18 = d_E1*0.5;                           // dE/dv18 = dE/dE1 * dE1/dv18
  const d_v17 = d_v18*(2*v17);                      // dE/dv17 = dE/dv18 * dv18/dv17
  const d_t1 = d_v17;                               // dE/dt1 = dE/dv17 * dv17/dt1
  const d_o1 = -d_v17;                              // dE/do1 = dE/dv17 * dv17/do1
  const d_v16 = d_o2*(sigmoid(v16)*sigmoid(-v16));  // dE/dv16 = dE/do2 * do2/dv16
  const d_v15 = d_v16;                              // dE/dv15 = dE/dv16 * dv16/dv15
  let d_b2 = d_v16;                                 // dE/db2 = dE/dv16 * dv16/db2
  const d_v13 = d_v15;                              // dE/dv13 = dE/dv15 * dv15/dv13
  const d_v14 = d_v15;                              // dE/dv14 = dE/dv15 * dv15/dv14
  const d_w8 = d_v14*h2;                            // dE/dw8 = dE/dv14 * dv14/dw8
  let d_h2 = d_v14*w8;                              // dE/dh2 = dE/dv14 * dv14/dh2
  const d_w7 = d_v13*h1;                            // dE/dw7 = dE/dv13 * dv13/dw7
  let d_h1 = d_v13*w7;                              // dE/dh1 = dE/dv13 * dv13/dh1
  const d_v12 = d_o1*(sigmoid(v12)*sigmoid(-v12));  // dE/dv12 = dE/do1 * do1/dv12
  const d_v11 = d_v12;                              // dE/dv11 = dE/dv12 * dv12/dv11
  d_b2 += d_v12;                                    // dE/db2 += dE/dv12 * dv12/db2
  const d_v9 = d_v11;                               // dE/dv9 = dE/dv11 * dv11/dv9
  const d_v10 = d_v11;                              // dE/dv10 = dE/dv11 * dv11/dv10
  const d_w6 = d_v10*h2;                            // dE/dw6 = dE/dv10 * dv10/dw6
  d_h2 += d_v10*w6;                                 // dE/dh2 += dE/dv10 * dv10/dh2
  const d_w5 = d_v9*h1;                             // dE/dw5 = dE/dv9 * dv9/dw5
  d_h1 += d_v9*w5;                                  // dE/dh1 += dE/dv9 * dv9/dh1
  const d_v8 = d_h2*(sigmoid(v8)*sigmoid(-v8));     // dE/dv8 = dE/dh2 * dh2/dv8
  const d_v7 = d_v8;                                // dE/dv7 = dE/dv8 * dv8/dv7
  let d_b1 = d_v8;                                  // dE/db1 = dE/dv8 * dv8/db1
  const d_v5 = d_v7;                                // dE/dv5 = dE/dv7 * dv7/dv5
  const d_v6 = d_v7;                                // dE/dv6 = dE/dv7 * dv7/dv6
  const d_w4 = d_v6*i2;                             // dE/dw4 = dE/dv6 * dv6/dw4
  let d_i2 = d_v6*w4;                               // dE/di2 = dE/dv6 * dv6/di2
  const d_w3 = d_v5*i1;                             // dE/dw3 = dE/dv5 * dv5/dw3
  let d_i1 = d_v5*w3;                               // dE/di1 = dE/dv5 * dv5/di1
  const d_v4 = d_h1*(sigmoid(v4)*sigmoid(-v4));     // dE/dv4 = dE/dh1 * dh1/dv4
  const d_v3 = d_v4;                                // dE/dv3 = dE/dv4 * dv4/dv3
  d_b1 += d_v4;                                     // dE/db1 += dE/dv4 * dv4/db1
  const d_v1 = d_v3;                                // dE/dv1 = dE/dv3 * dv3/dv1
  const d_v2 = d_v3;                                // dE/dv2 = dE/dv3 * dv3/dv2
  const d_w2 = d_v2*i2;                             // dE/dw2 = dE/dv2 * dv2/dw2
  d_i2 += d_v2*w2;                                  // dE/di2 += dE/dv2 * dv2/di2
  const d_w1 = d_v1*i1;                             // dE/dw1 = dE/dv1 * dv1/dw1
  d_i1 += d_v1*w1;                                  // dE/di1 += dE/dv1 * dv1/di1

  return { value: E, gradient: { w1: d_w1, i1: d_i1, w2: d_w2, i2: d_i2, b1: d_b1, w3: d_w3,
      w4: d_w4, w5: d_w5, w6: d_w6, b2: d_b2, w7: d_w7, w8: d_w8, t1: d_t1, t2: d_t2 } };
}

// Say so, and return 1, if a number is further from backprop's than rounding may move it.
function differs(name, found, expected, allowed) {
  const bothUndefined = Number.isNaN(found) && Number.isNaN(expected);
  if (found === expected || Math.abs(found - expected) <= allowed || bothUndefined) return 0;
  console.log(`${name} = ${found}, expected ${expected}`);
  return 1;
}

// How many numbers are not those of backprop.
function check() {
  let wrong = 0;
  let made;

  made = E_and_gradient(0.15, 0.05, 0.2, 0.1, 0.35, 0.25, 0.3, 0.4, 0.45, 0.6, 0.5, 0.55, 0.01,
      0.99);
  wrong += differs("E", made.value, 0.2983711087600027, 3e-10);
  wrong += differs("dE/dw1", made.gradient.w1, 0.000438567734474347, 4e-13);
  wrong += differs("dE/di1", made.gradient.i1, 0.003804266879727342, 4e-12);
  wrong += differs("dE/dw2", made.gradient.w2, 0.000877135468948694, 9e-13);
  wrong += differs("dE/di2", made.gradient.i2, 0.004740547349462549, 5e-12);
  wrong += differs("dE/db1", made.gradient.b1, 0.01872560939470414, 2e-11);
  wrong += differs("dE/dw3", made.gradient.w3, 0.0004977127352608602, 5e-13);
  wrong += differs("dE/dw4", made.gradient.w4, 0.0009954254705217204, 1e-12);
  wrong += differs("dE/dw5", made.gradient.w5, 0.0821670405642308, 8e-11);
  wrong += differs("dE/dw6", made.gradient.w6, 0.08266762784753327, 8e-11);
  wrong += differs("dE/db2", made.gradient.b2, 0.10040032511200078, 1e-10);
  wrong += differs("dE/dw7", made.gradient.w7, -0.02260254047747506, 2e-11);
  wrong += differs("dE/dw8", made.gradient.w8, -0.022740242215978212, 2e-11);
  wrong += differs("dE/dt1", made.gradient.t1, -0.7413650695523157, 7e-10);
  wrong += differs("dE/dt2", made.gradient.t2, 0.21707153467853746, 2e-10);
  return wrong;
}

if (typeof module === "object") {
  module.exports = { E_and_gradient };
  if (require.main === module) {
    if (check() > 0) process.exitCode = 1;
    else console.log("The value and the gradient are those of backprop.");
  }
}
