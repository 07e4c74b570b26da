space s {
  input image: [3, 32, 32]
  choose g in {1, 2, 4}
  width w in {8, 16, 32}
  width v in {8, 16}
  x = image >> conv_bn_relu(w, k = 3) >> conv_bn(w, k = 3, groups = w / 4)
  y = x >> conv_bn(32, k = 3, groups = g)
  z = x >> conv(v, k = 3, groups = channels(x))
  task t = concat(y, z) >> global_avg_pool() >> linear(10) { loss cross_entropy() }
}
