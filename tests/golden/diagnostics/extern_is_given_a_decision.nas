extern head(x, n) -> [n, 1, 1] from "heads:Head"
space s {
  input image: [3, 32, 32]
  width w in {4, 8}
  x = image >> conv_bn_relu(w, k = 3) >> head(w)
  task t = x >> linear(10) { loss cross_entropy() }
}
